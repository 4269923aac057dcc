"""Who asks when schemathesis does: real accounts and instances in the place of most of the values that it makes up.

Loaded by schemathesis as its hooks, in a process of its own. Each request is made by the next of many callers, each an
account of its own with an instance of its own, so that the limits of a dialect do not hide everything else, and what
one request changed does not: an instance in another state than its caller's is made anew.
"""

import atexit
import itertools
import json
import os
import re

import requests
import schemathesis

URL = os.environ["BERTH_URL"]
ROOT_KEY = os.environ["BERTH_ROOT_KEY"]
DIALECT = os.environ["BERTH_DIALECT"]
# Callers take turns; each asks once a second or less, which is what the strictest dialect allows.
CALLERS = 48
# One request in so many keeps what was made up: a wrong token, an unknown instance.
LEFT_ALONE = 6


class Caller:
    """An account, and an instance in one of the states."""

    serial = itertools.count(1)

    def __init__(self, place):
        self.states = [["created", "logged_out"], ["pairing"], ["linked"]][place % 3]
        self.name = f"{DIALECT}-{place}-{next(self.serial)}"
        self.token = f"fuzz-token-of-{self.name}"
        account = ask("POST", "/v1/accounts", ROOT_KEY, {"name": self.name, "token": self.token})
        self.account = account["id"]
        # An enabled endpoint of GREEN-API without a URL is a queue to be polled.
        is_queue = DIALECT == "green"
        url = "" if is_queue else "https://hooks.example/fuzz"
        hook = {"url": url, "enabled": is_queue, "format": DIALECT}
        made = ask("POST", "/v1/instances", self.token, {"name": self.name, "webhooks": [hook]})
        self.id, self.number, self.instance_token = made["id"], made["number"], made["token"]
        self.webhook = made["webhook_secrets"][0]["id"]
        if DIALECT == "native":
            of_all = {"url": "https://hooks.example/fuzz"}
            self.webhook_of_all = ask("POST", "/v1/webhooks", self.token, of_all)["id"]
        if DIALECT == "codechat":
            of_all = {"name": "fuzz", "url": "https://hooks.example/fuzz"}
            ask("POST", f"/api/v2/business/{self.account}/webhook", self.token, of_all)
        if place % 3:
            ask("POST", f"/v1/instances/{self.id}/connect", self.token, {})
        if place % 3 == 2:
            scan = {"action": "scan", "phone": "5511987654321", "push_name": "Ana"}
            ask("POST", f"/v1/instances/{self.id}/simulate", self.token, scan)

    def is_as_made(self):
        """Whether its instance is still in the state that it was made for; codes end by themselves."""
        answer = requests.get(f"{URL}/v1/instances/{self.id}", headers=bearer(self.token), timeout=30)
        return answer.ok and answer.json()["state"] in self.states

    def values(self, turn):
        """What stands for the parameters of paths, whatever a dialect calls them."""
        spellings = [self.name, self.id, str(self.number)]
        instance = {"green": str(self.number), "codechat": [self.name, self.id][turn % 2]}.get(
            DIALECT, spellings[turn % 3]
        )
        return {
            "i": instance,
            "instance": instance,
            "instanceName": instance,
            "instance_key": instance,
            "instanceKey": instance,
            "instanceId": instance,
            "idInstance": instance,
            "rest": instance,
            "apiTokenInstance": self.token,
            "partnerToken": self.token,
            "a": self.account,
            "businessId": self.account,
            "w": self.webhook,
            "webhookId": self.webhook,
            "name": "native",
            "v": "records",
        }


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def ask(method, path, token, body):
    answer = requests.request(method, URL + path, json=body, headers=bearer(token), timeout=30)
    assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json()


callers = {}
turns = itertools.count()


def next_caller(turn):
    place = turn % CALLERS
    if place not in callers or not callers[place].is_as_made():
        callers[place] = Caller(place)
    return callers[place]


@schemathesis.hook
def before_call(context, case, kwargs):
    turn = next(turns)
    if turn % LEFT_ALONE == LEFT_ALONE - 1:
        return
    if "/receiveNotification/" in case.path:
        # Only a newly linked instance is sure to have something to tell: a request to another waits.
        turn += 2 - turn % 3
        callers.pop(turn % CALLERS, None)
        case.query = {name: min(value, 5) if isinstance(value, int) else value for name, value in case.query.items()}
    caller = next_caller(turn)
    values = caller.values(turn)
    if case.path.startswith("/v1/webhooks/"):
        values["w"] = caller.webhook_of_all
    for name in case.path_parameters or {}:
        if name in values:
            case.path_parameters[name] = values[name]
    if "instanceId" in (case.query or {}):
        case.query["instanceId"] = values["instanceId"]
    if isinstance(case.body, dict):
        if isinstance(case.body.get("idInstance"), int):
            case.body["idInstance"] = caller.number
        if case.path.endswith("/simulate") and turn % 2:
            case.body["action"] = "heal"
        if DIALECT == "codechat" and "/webhook" in case.path and turn % 2:
            # What is made up is hardly ever a URL or the name of a header.
            likely = {"url": "https://hooks.example/fuzz", "headers": {"x-fuzz": "1"}}
            case.body |= {name: value for name, value in likely.items() if name in case.body}
        if case.path.endswith("/move-instance"):
            # To where it is already: the caller goes on with it.
            own = {"instance": caller.id, "sourceInstanceId": caller.id, "businessIdTarget": caller.account}
            case.body |= {name: value for name, value in own.items() if name in case.body}
        if isinstance(case.body.get("oldToken"), str) and turn % 2:
            shown = requests.get(f"{URL}/api/v2/instance/{caller.id}", headers=bearer(caller.token), timeout=30)
            case.body["oldToken"] = shown.json().get("Auth", {}).get("jwt", "")
    # The operator's routes are asked by the operator.
    is_operators = re.match(r"/v1/(accounts|cluster|upstreams|workers)|/api/v2/admin", case.path)
    token = ROOT_KEY if is_operators else caller.token
    if DIALECT == "evolution-go" and not re.search(r"/instance/(create|all|info|delete)", case.operation.path):
        # The routes that name no instance are about the one whose token is shown.
        token = caller.instance_token
    header = {"evolution": "apikey", "evolution-go": "apikey", "ryze": "token"}.get(DIALECT)
    case.headers[header or "Authorization"] = token if header else f"Bearer {token}"


answers = {}


@schemathesis.hook
def after_call(context, case, response):
    seen = answers.setdefault(f"{case.operation.method.upper()} {case.operation.path}", {})
    seen[response.status_code] = seen.get(response.status_code, 0) + 1


@atexit.register
def tell():
    """How often each operation answered with each status, for the test that started this."""
    with open(os.environ["BERTH_FUZZ_ANSWERS"], "w") as file:
        json.dump(answers, file)

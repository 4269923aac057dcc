"""The manifests as kubectl builds them and the files for Compose: against their schemas, and against what Berth needs."""

import json
import pathlib
import re
import sys
import unittest

import jsonschema
import kubernetes_validate
import yaml

BUILT = pathlib.Path(sys.argv.pop(1))
COMPOSE_SCHEMA = pathlib.Path(sys.argv.pop(1))
README = pathlib.Path("deploy/README.md").read_text()
ROLES = {"session-aggregate", "projections", "webhooks", "connector", "gateway"}
# The oldest release whose schemas are strict enough to know every field that is used, and the newest there is.
VERSIONS = ["1.28", kubernetes_validate.latest_version()]


def built(name):
    return [part for part in yaml.safe_load_all((BUILT / name).read_text()) if part]


OBJECTS = built("berth.yaml")
SETS = {one["metadata"]["name"]: one for one in OBJECTS if one["kind"] == "StatefulSet"}


def of_kind(kind):
    return [one for one in OBJECTS if one["kind"] == kind]


def pod(one):
    return one["spec"]["template"]


def container(one):
    (only,) = pod(one)["spec"]["containers"]
    return only


def matches(selector, labels):
    return all(labels.get(key) == value for key, value in selector.items())


def selected(selector):
    return [one for one in SETS.values() if matches(selector, pod(one)["metadata"]["labels"])]


def known_settings():
    return set(re.findall(r"\[(BERTH_[A-Z_]+)", (BUILT / "settings.txt").read_text()))


class Manifests(unittest.TestCase):
    def test_every_object_is_what_its_schema_says_and_has_nothing_else(self):
        for one in OBJECTS:
            for version in VERSIONS:
                with self.subTest(kind=one["kind"], name=one["metadata"]["name"], version=version):
                    kubernetes_validate.validate(one, version, strict=True)

    def test_a_field_that_is_misspelt_is_found(self):
        wrong = json.loads(json.dumps(SETS["gateway"]))
        pod(wrong)["spec"]["enableServiceLink"] = False
        with self.assertRaises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)

    def test_there_are_two_of_each_role_and_three_servers(self):
        self.assertEqual(set(SETS), ROLES | {"nats"})
        for name, one in SETS.items():
            self.assertEqual(one["spec"]["replicas"], 3 if name == "nats" else 2, name)
            if name in ROLES:
                self.assertEqual(container(one)["args"], [name])

    def test_pods_are_probed_bounded_and_unprivileged(self):
        for name, one in SETS.items():
            with self.subTest(name):
                spec, only = pod(one)["spec"], container(one)
                for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                    self.assertIn(probe, only)
                self.assertIn("memory", only["resources"]["limits"])
                self.assertTrue(spec["securityContext"]["runAsNonRoot"])
                self.assertFalse(spec["automountServiceAccountToken"])
                self.assertFalse(spec["enableServiceLinks"], "a service could be taken for a setting")
                self.assertTrue(only["securityContext"]["readOnlyRootFilesystem"])
                self.assertGreaterEqual(len(spec["topologySpreadConstraints"]), 2)
                for constraint in spec["topologySpreadConstraints"]:
                    self.assertEqual(selected(constraint["labelSelector"]["matchLabels"]), [one])

    def test_a_drain_fits_into_the_time_to_stop(self):
        for name in ROLES:
            self.assertGreater(pod(SETS[name])["spec"]["terminationGracePeriodSeconds"], 5, name)

    def test_every_setting_is_one_that_berth_knows(self):
        known = known_settings()
        self.assertIn("BERTH_MASTER_KEY", known)
        (settings,) = [one for one in of_kind("ConfigMap") if one["metadata"]["name"] == "berth"]
        names = set(settings["data"])
        for name in ROLES:
            names |= {variable["name"] for variable in container(SETS[name])["env"]} - {"NATS_PASSWORD"}
        self.assertLessEqual(names, known)

    def test_every_secret_that_is_asked_for_is_documented_and_none_is_shipped(self):
        self.assertEqual(of_kind("Secret"), [])
        asked = set()
        for one in SETS.values():
            for variable in container(one)["env"]:
                reference = variable.get("valueFrom", {}).get("secretKeyRef")
                if reference:
                    self.assertEqual(reference["name"], "berth")
                    self.assertFalse(reference.get("optional", False), "a pod without its secret does not start")
                    asked.add(reference["key"])
        documented = set(re.findall(r"--from-literal=([a-z-]+)=", README))
        self.assertEqual(asked, documented)

    def test_services_budgets_and_policies_select_what_is_there(self):
        for kind in ("Service", "PodDisruptionBudget", "NetworkPolicy"):
            for one in of_kind(kind):
                spec = one["spec"]
                selector = spec["selector"] if kind != "NetworkPolicy" else spec["podSelector"]
                found = selected(selector.get("matchLabels", selector))
                self.assertTrue(found, f"{kind} {one['metadata']['name']} selects nothing")
                ports = {port["name"] for each in found for port in container(each)["ports"]}
                wanted = [port["targetPort"] for port in spec.get("ports", [])]
                wanted += [port["port"] for rule in spec.get("ingress", []) for port in rule["ports"]]
                self.assertLessEqual(set(wanted), ports)
        self.assertEqual({one["metadata"]["name"] for one in of_kind("PodDisruptionBudget")}, set(SETS))

    def test_the_servers_are_configured_by_the_files_that_are_tested(self):
        (servers,) = [one for one in of_kind("ConfigMap") if one["metadata"]["name"].startswith("nats-")]
        for name, text in servers["data"].items():
            self.assertEqual(text, pathlib.Path("deploy/nats", name).read_text())
        volume = pod(SETS["nats"])["spec"]["volumes"][0]
        self.assertEqual(volume["configMap"]["name"], servers["metadata"]["name"])
        needed = set(re.findall(r"\$(BERTH_[A-Z_0-9]+)", "".join(servers["data"].values())))
        given = {variable["name"] for variable in container(SETS["nats"])["env"]}
        self.assertEqual(needed, given)

    def test_the_monitor_selects_the_services_of_every_role(self):
        monitors = built("monitoring.yaml")
        (BUILT / "monitoring.json").write_text(json.dumps(monitors))
        (monitor,) = monitors
        selector = monitor["spec"]["selector"]["matchLabels"]
        services = [one for one in of_kind("Service") if matches(selector, one["metadata"]["labels"])]
        self.assertEqual({one["metadata"]["name"] for one in services}, ROLES)
        for service in services:
            self.assertIn(monitor["spec"]["endpoints"][0]["port"], {port["name"] for port in service["spec"]["ports"]})


class Compose(unittest.TestCase):
    def files(self):
        for path in sorted(pathlib.Path("deploy").glob("compose*.yaml")):
            with self.subTest(path.name):
                yield path.name, yaml.safe_load(path.read_text())

    def test_the_files_are_what_their_schema_says(self):
        schema = json.loads(COMPOSE_SCHEMA.read_text())
        for _name, file in self.files():
            jsonschema.validate(file, schema, cls=jsonschema.Draft7Validator)

    def test_every_setting_is_one_that_berth_or_the_servers_know(self):
        servers = "".join(path.read_text() for path in pathlib.Path("deploy/nats").glob("*.conf"))
        servers = set(re.findall(r"\$(BERTH_[A-Z_0-9]+)", servers))
        for _name, file in self.files():
            for service in file["services"].values():
                names = set(service["environment"])
                self.assertLessEqual(names, servers if service["image"].startswith("nats:") else known_settings())

    def test_every_value_that_is_asked_for_is_in_the_example(self):
        example = set(re.findall(r"^(BERTH_[A-Z_]+)=", pathlib.Path("deploy/compose.env.example").read_text(), re.M))
        for name, _file in self.files():
            asked = set(re.findall(r"\$\{(BERTH_[A-Z_]+):\?\}", pathlib.Path("deploy", name).read_text()))
            self.assertEqual(asked, example)

    def test_the_cluster_has_three_servers_and_two_of_each_role(self):
        services = yaml.safe_load(pathlib.Path("deploy/compose.cluster.yaml").read_text())["services"]
        servers = {name for name, one in services.items() if one["image"].startswith("nats:")}
        self.assertEqual(len({services[name]["environment"]["BERTH_NATS_NAME"] for name in servers}), 3)
        for role in ROLES:
            of_role = [one for one in services.values() if one["command"] == [role]]
            self.assertEqual(sum(one.get("deploy", {}).get("replicas", 1) for one in of_role), 2, role)
            for one in of_role:
                self.assertEqual(one["environment"]["BERTH_NATS_REPLICAS"], "3")
                for server in servers:
                    self.assertIn(f"{server}:4222", one["environment"]["BERTH_NATS_URL"])


if __name__ == "__main__":
    unittest.main(verbosity=1)

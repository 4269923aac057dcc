"""The chart as Helm's own SDK reads it: packaged, linted and rendered with several sets of values, each object against the schemas of
Kubernetes. With the values that it has it must say what Kustomize builds, object by object, so that the two cannot drift apart."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tomllib
import unittest

import helm_python
import kubernetes_validate
import yaml

BUILT = pathlib.Path(sys.argv.pop(1))
CHART = pathlib.Path("deploy/helm/berth")
README = pathlib.Path("deploy/README.md").read_text()
HELP = (BUILT / "settings.txt").read_text()
UPSTREAM_SETTINGS = set(re.findall(r"^([a-z_]+) = ", pathlib.Path("docs/upstreams.md").read_text(), re.M))
# Those of check.py.
VERSIONS = ["1.28", kubernetes_validate.latest_version()]
WARNING = 2

# One machine to try it on.
SMALL = {
    "roles": {role: {"replicas": 1} for role in ("session-aggregate", "projections", "webhooks", "connector", "gateway")},
    "persistence": {"enabled": False, "size": "1Gi"},
    "podDisruptionBudgets": {"enabled": False},
    "networkPolicies": {"enabled": False},
    "nats": {"topologySpread": {"hosts": "ScheduleAnyway"}},
}
# NATS servers that somebody else runs, over TLS.
OWN_SERVERS = {
    "nats": {
        "enabled": False,
        "servers": ["nats-1.example:4222", "nats-2.example:4222", "nats-3.example:4222"],
        "replicas": 5,
        "existingSecret": "nats-users",
        "tls": {"existingSecret": "nats-certificates", "clientCertificate": True},
    },
}
EVERYTHING = {
    "image": {"repository": "registry.example/berth", "digest": "sha256:" + "0" * 64, "pullPolicy": "Always", "pullSecrets": ["pull"]},
    "existingSecret": "shop-keys",
    "publicUrl": "https://berth.shop.example",
    "settings": {"BERTH_TRUSTED_PROXIES": "10.0.0.0/8", "BERTH_LOG_SHARDS": "8", "BERTH_LOG_FORMAT": "text",
                 "BERTH_WORKERS": "baileys", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
                 "BERTH_UPSTREAM_EVO1_URL": "http://evolution:8080", "BERTH_UPSTREAM_EVO1_ACCOUNTS": "shop,$(x)"},
    "roles": {"gateway": {"replicas": 4, "resources": {"requests": {"cpu": 1, "memory": "1Gi"}},
                          "secretSettings": {"BERTH_UPSTREAM_EVO1_KEY": "evo1-key"}},
              "connector": {"secretSettings": {"BERTH_WORKER_TOKEN": "worker-token", "BERTH_UPSTREAM_EVO1_KEY": "evo1-key"}}},
    "persistence": {"storageClass": "fast"},
    "topologySpread": {"zones": "DoNotSchedule"},
    "nodeSelector": {"kubernetes.io/arch": "amd64"},
    "tolerations": [{"key": "messages", "operator": "Exists", "effect": "NoSchedule"}],
    "nats": {"persistence": {"size": "200Gi", "storageClass": "fast"}},
    "networkPolicies": {"clients": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}],
                        "workers": [{"podSelector": {"matchLabels": {"app": "worker"}}}]},
    "ingress": {"enabled": True, "className": "nginx", "annotations": {"example/timeout": "60"}, "host": "berth.shop.example",
                "tlsSecret": "shop-certificate"},
    "serviceMonitor": {"enabled": True, "interval": "30s", "labels": {"release": "prometheus"}},
}
# Texts that YAML takes for something else if they stand there bare.
ODD = {
    "image": {"repository": "registry.example:5000/berth", "tag": "1e3", "pullSecrets": ["12"]},
    "existingSecret": "123",
    "roles": {"connector": {"secretSettings": {"BERTH_WORKER_TOKEN": "0x10"}}},
    "persistence": {"size": "10", "storageClass": "1.5"},
    "nats": {"existingSecret": "null", "persistence": {"storageClass": "true"}},
    "ingress": {"enabled": True, "className": "010", "host": "*.shop.example", "tlsSecret": "no"},
}
ODD_SERVERS = {
    "persistence": {"enabled": False, "size": "10"},
    "nats": {"enabled": False, "servers": ["nats.example:4222"], "tls": {"existingSecret": "0"}},
}
(EXAMPLE,) = re.findall(r"^```yaml\n(# values.yaml.*?)^```$", README, re.S | re.M)
SETS = {
    "of the chart": {},
    "of the documentation": helm_python.values_from_yaml(EXAMPLE),
    "small": SMALL,
    "own servers": OWN_SERVERS,
    "everything": EVERYTHING,
    "odd": ODD,
    "odd servers": ODD_SERVERS,
}

# What is refused by the shape of the values: with which words, by a lint as by a rendering.
MISSHAPEN = [
    ({"existingSecret": ""}, "at '/existingSecret': '' does not match"),
    ({"existingSecret": None}, "missing property 'existingSecret'"),
    ({"existingSecret": {"master-key": "c2VjcmV0"}}, "at '/existingSecret': got object, want string"),
    ({"masterKey": "c2VjcmV0"}, "additional properties 'masterKey' not allowed"),
    ({"settings": {"LOG": "debug"}}, "invalid propertyName 'LOG'"),
    ({"settings": {"BERTH_UPSTREAM_EVO1_KEY": "secret"}}, "invalid propertyName 'BERTH_UPSTREAM_EVO1_KEY'"),
    ({"settings": {"BERTH_UPSTREAM_EVO_KEY": "secret"}}, "invalid propertyName 'BERTH_UPSTREAM_EVO_KEY'"),
    ({"settings": {"BERTH_UPSTREAM_EVO1_KEY_FILE": "/key"}}, "invalid propertyName 'BERTH_UPSTREAM_EVO1_KEY_FILE'"),
    ({"settings": {"BERTH_UPSTREAM_URL": "http://evolution:8080"}}, "invalid propertyName 'BERTH_UPSTREAM_URL'"),
    ({"settings": {"BERTH_LOG_SHARDS": 8}}, "at '/settings/BERTH_LOG_SHARDS': got number, want string"),
    ({"roles": {"gatway": {"replicas": 2}}}, "at '/roles': additional properties 'gatway' not allowed"),
    ({"roles": {"gateway": None}}, "at '/roles': missing property 'gateway'"),
    ({"roles": {"gateway": {"replicas": "2"}}}, "at '/roles/gateway/replicas': got string, want integer"),
    ({"roles": {"gateway": {"replicas": 0}}}, "at '/roles/gateway/replicas': minimum: got 0, want 1"),
    ({"roles": {"gateway": {"secretSettings": {"BERTH_WORKERS": "workers"}}}}, "invalid propertyName 'BERTH_WORKERS'"),
    ({"roles": {"gateway": {"secretSettings": {"BERTH_UPSTREAM_EVO1_URL": "url"}}}}, "invalid propertyName 'BERTH_UPSTREAM_EVO1_URL'"),
    ({"resources": {"limits": {"memory": "1 GB"}}}, "at '/resources/limits/memory'"),
    ({"image": {"digest": "latest"}}, "at '/image/digest': 'latest' does not match"),
    ({"nats": {"replicas": 2}}, "at '/nats/replicas': value must be one of 1, 3, 5"),
    ({"nats": {"servers": ["nats://user:password@nats:4222"]}}, "at '/nats/servers/0'"),
    ({"topologySpread": {"hosts": "Never"}}, "at '/topologySpread/hosts': value must be one of"),
    ({"networkPolicies": {"metrics": []}}, "at '/networkPolicies/metrics': minItems: got 0, want 1"),
    ({"networkPolicies": {"workers": [{}]}}, "at '/networkPolicies/workers/0': minProperties: got 0, want 1"),
    ({"serviceMonitor": {"enabled": "yes"}}, "at '/serviceMonitor/enabled': got string, want boolean"),
]
# What only several values together make wrong: Helm's lint passes over what a template refuses, a rendering does not.
CONTRADICTIONS = [
    ({"nats": {"enabled": False}}, "nats.servers: name your NATS servers"),
    ({"nats": {"servers": ["nats.example:4222"]}}, "nats.servers: these are servers of your own"),
    ({"nats": {"tls": {"existingSecret": "certificates"}}}, "nats.tls: the servers of this chart speak no TLS"),
    ({"nats": {"enabled": False, "servers": ["nats.example:4222"], "tls": {"clientCertificate": True}}}, "name the secret that has it"),
    ({"nats": {"replicas": 5}}, "a stream can be kept on at most three"),
    ({"ingress": {"enabled": True}}, "ingress.host: name the host"),
    ({"settings": {"BERTH_UPSTREAM_EVO1_URL": "http://evolution:8080"}}, "roles.gateway.secretSettings.BERTH_UPSTREAM_EVO1_KEY: "),
    ({"settings": {"BERTH_UPSTREAM_EVO1_URL": "http://evolution:8080"},
      "roles": {"gateway": {"secretSettings": {"BERTH_UPSTREAM_EVO1_KEY": "evo1-key"}}}},
     "roles.connector.secretSettings.BERTH_UPSTREAM_EVO1_KEY: "),
    ({"roles": {"gateway": {"secretSettings": {"BERTH_UPSTREAM_EVO1_KEY": "evo1-key"}}}}, "settings.BERTH_UPSTREAM_EVO1_URL: say where"),
]


def rendered(values, name="berth"):
    with helm_python.Chart.load(ARCHIVE) as chart:
        return chart.render(values, name=name, namespace="shop")


def objects(values):
    files = rendered(values)
    return [one for path, text in files.items() if path.endswith(".yaml") for one in yaml.safe_load_all(text) if one]


def built(name):
    return [one for one in yaml.safe_load_all((BUILT / name).read_text()) if one]


def comparable(found):
    """Each object by kind and name, without what says that a configuration is another one: Kustomize gives the ConfigMap of the servers
    a name with a digest, the chart gives pods an annotation with one."""
    text = json.dumps(found)
    text = re.sub(r'"nats-[0-9a-z]{10}"', '"nats"', text)
    alike = {}
    for one in json.loads(text):
        about = one["spec"]["template"]["metadata"] if one["kind"] == "StatefulSet" else {}
        digests = about.pop("annotations", {})
        assert all(re.fullmatch("checksum/[a-z]+", name) for name in digests), digests
        key = (one["kind"], one["metadata"]["name"])
        assert key not in alike, key
        alike[key] = one
    return alike


def only(found, kind, name):
    (one,) = [one for one in found if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return one


def pod(found, name):
    return only(found, "StatefulSet", name)["spec"]["template"]["spec"]


def variables(found, name):
    return {one["name"]: one for one in pod(found, name)["containers"][0]["env"]}


def of_kind(found, kind):
    return {one["metadata"]["name"] for one in found if one["kind"] == kind}


def settings():
    """The settings that Berth knows: the name of each variable, and what its value is."""
    entries = re.findall(r"--[a-z-]+ <([^>]+)>(?:(?!\n      --).)*?\[((?:BERTH|OTEL)_[A-Z0-9_]+)", HELP, re.S)
    return {variable: value for value, variable in entries}


def secret_settings():
    known = settings()
    return {name for name in known if name + "_FILE" in known}


class Chart(unittest.TestCase):
    maxDiff = None

    def test_it_says_what_kustomize_builds(self):
        chart, base = comparable(objects({})), comparable(built("berth.yaml"))
        self.assertEqual(set(chart), set(base))
        for key in base:
            with self.subTest(key):
                self.assertEqual(chart[key], base[key])

    def test_with_a_monitor_it_says_what_kustomize_builds_besides(self):
        chart = comparable(objects({"serviceMonitor": {"enabled": True}}))
        self.assertEqual(chart, comparable(built("berth.yaml") + built("monitoring.yaml")))

    def test_a_difference_is_found(self):
        for values in ({"roles": {"gateway": {"replicas": 3}}}, {"settings": {"BERTH_LOG_FORMAT": "text"}}):
            self.assertNotEqual(comparable(objects(values)), comparable(built("berth.yaml")))

    def test_helm_has_nothing_against_it(self):
        for name, values in SETS.items():
            with self.subTest(name):
                report = helm_python.lint(ARCHIVE, values, strict=True)
                self.assertEqual(report["errors"], [])
                self.assertEqual([one for one in report["messages"] if one["severity"] >= WARNING], [])

    def test_every_object_is_what_its_schema_says_and_has_nothing_else(self):
        monitors = []
        for name, values in SETS.items():
            found = objects(values)
            self.assertEqual(len(comparable(found)), len(found))
            for one in found:
                if one["kind"] == "ServiceMonitor":
                    monitors.append(one)
                    continue
                for version in VERSIONS:
                    with self.subTest(values=name, kind=one["kind"], name=one["metadata"]["name"], version=version):
                        kubernetes_validate.validate(one, version, strict=True)
        self.assertEqual(len(monitors), 2)
        (BUILT / "chart-monitoring.json").write_text(json.dumps(monitors))

    def test_every_setting_is_one_that_berth_knows_and_every_key_is_documented(self):
        documented = set(re.findall(r"--from-literal=([a-z-]+)=", README))
        for name, values in SETS.items():
            found = objects(values)
            asked = {entry for roles in values.get("roles", {}).values() for entry in roles.get("secretSettings", {}).values()}
            for role in values.get("roles", {}) or ("gateway", "connector"):
                with self.subTest(values=name, role=role):
                    env = variables(found, role)
                    names = list(env)
                    self.assertLess(names.index("NATS_PASSWORD"), names.index("BERTH_NATS_URL"), "what is referred to comes first")
                    self.assertEqual(len(names), len(pod(found, role)["containers"][0]["env"]), "a variable stands there twice")
                    names = set(names) - {"NATS_PASSWORD"} | set(only(found, "ConfigMap", "berth")["data"])
                    upstreams = {name for name in names if name.startswith("BERTH_UPSTREAM_")}
                    self.assertLessEqual({name.split("_", 3)[3].lower() for name in upstreams} - {"key"}, UPSTREAM_SETTINGS)
                    self.assertLessEqual(names - upstreams, set(settings()))
                    keys = {one["valueFrom"]["secretKeyRef"]["key"] for one in env.values() if "valueFrom" in one}
                    self.assertLessEqual(keys, documented | asked)
            self.assertNotIn("Secret", {one["kind"] for one in found})

    def test_values_of_the_wrong_shape_are_refused_by_lint_and_rendering(self):
        for values, words in MISSHAPEN:
            with self.subTest(values):
                with self.assertRaises(helm_python.HelmValuesError) as refused:
                    rendered(values)
                self.assertIn(words, str(refused.exception))
                report = helm_python.lint(ARCHIVE, values)
                self.assertIn(words, " ".join(report["errors"]))

    def test_values_that_contradict_each_other_are_refused(self):
        for values, words in CONTRADICTIONS:
            with self.subTest(values):
                with self.assertRaises(helm_python.HelmRenderError) as refused:
                    rendered(values)
                self.assertIn(words, str(refused.exception))

    def test_no_secret_no_file_and_nothing_that_is_decided_elsewhere_is_a_plain_setting(self):
        decided = set(only(objects(OWN_SERVERS), "ConfigMap", "berth")["data"]) - {"BERTH_LOG_FORMAT"} | {"BERTH_NATS_URL", "BERTH_MEMBER"}
        files = {name for name, value in settings().items() if value in ("FILE", "FOLDER")}
        self.assertTrue(secret_settings() and files)
        for name in secret_settings() | files | decided:
            with self.subTest(name), self.assertRaises(helm_python.HelmValuesError) as refused:
                rendered({"settings": {name: "1"}})
            self.assertIn(f"invalid propertyName '{name}'", str(refused.exception))

    def test_every_other_secret_can_be_given_to_a_role(self):
        given = {name for role in ("session-aggregate", "gateway") for name in variables(objects({}), role)}
        for name in secret_settings() - given:
            found = objects({"roles": {"connector": {"secretSettings": {name: "a-key"}}}})
            self.assertEqual(variables(found, "connector")[name]["valueFrom"]["secretKeyRef"], {"name": "berth", "key": "a-key"})
            self.assertNotIn(name, variables(found, "gateway"))

    def test_an_upstream_is_told_to_the_roles_that_have_its_key_and_berth_takes_it(self):
        found = objects(EVERYTHING)
        self.assertFalse([name for name in only(found, "ConfigMap", "berth")["data"] if "UPSTREAM" in name])
        for role in of_kind(found, "StatefulSet") - {"nats"}:
            env = variables(found, role)
            told = {name for name in env if "UPSTREAM" in name}
            those = {"BERTH_UPSTREAM_EVO1_URL", "BERTH_UPSTREAM_EVO1_ACCOUNTS", "BERTH_UPSTREAM_EVO1_KEY"}
            self.assertEqual(told, those if role in ("gateway", "connector") else set())
            if told:
                self.assertEqual(env["BERTH_UPSTREAM_EVO1_URL"]["value"], "http://evolution:8080")
                self.assertEqual(env["BERTH_UPSTREAM_EVO1_KEY"]["valueFrom"]["secretKeyRef"], {"name": "shop-keys", "key": "evo1-key"})
                # As Kubernetes has it, $(NAME) in a value of a pod is another variable, and $$(NAME) is that text.
                self.assertEqual(env["BERTH_UPSTREAM_EVO1_ACCOUNTS"]["value"], "shop,$$(x)")
            self.assertEqual("[upstream.evo1]" in self.configured(found, role), bool(told))

    def configured(self, found, role):
        """What Berth says of the settings that a pod of the role has."""
        bases = {"BERTH_MASTER_KEY", "BERTH_EVIDENCE_KEY"}
        given = only(found, "ConfigMap", "berth")["data"] | {
            name: one.get("value", "A" * 43 + "=" if name in bases else "a" * 24) for name, one in variables(found, role).items()}
        asked = subprocess.run([os.environ["BERTH_TEST_BINARY"], "config"], env=given, capture_output=True, text=True, timeout=60)
        self.assertEqual(asked.returncode, 0, asked.stderr)
        return asked.stdout

    def test_workers_reach_connectors_if_they_are_named(self):
        found = objects(EVERYTHING)
        policy = only(found, "NetworkPolicy", "berth-workers")["spec"]
        self.assertEqual(policy["podSelector"], {"matchLabels": only(found, "Service", "connector")["spec"]["selector"]})
        self.assertEqual(policy["ingress"], [{"from": EVERYTHING["networkPolicies"]["workers"], "ports": [{"port": "http"}]}])
        self.assertIn({"name": "http", "containerPort": 8480}, pod(found, "connector")["containers"][0]["ports"])
        (port,) = [port for port in only(found, "Service", "connector")["spec"]["ports"] if port["name"] == "http"]
        self.assertEqual((port["port"], port["targetPort"]), (8480, "http"))
        for role in ("session-aggregate", "projections", "webhooks"):
            self.assertEqual([port["name"] for port in only(found, "Service", role)["spec"]["ports"]], ["metrics"])
        self.assertNotIn("berth-workers", of_kind(objects({}), "NetworkPolicy"))
        token = {"roles": {"connector": {"secretSettings": {"BERTH_WORKER_TOKEN": "worker-token"}}}}
        self.assertIn("networkPolicies.workers", rendered(token)["berth/templates/NOTES.txt"])
        self.assertNotIn("networkPolicies.workers", rendered(EVERYTHING)["berth/templates/NOTES.txt"])

    def test_texts_that_look_like_something_else_stay_texts(self):
        found = objects(ODD)
        for role in of_kind(found, "StatefulSet") - {"nats"}:
            env = {name: one["valueFrom"]["secretKeyRef"] for name, one in variables(found, role).items() if "valueFrom" in one}
            self.assertEqual(env["BERTH_MASTER_KEY"]["name"], "123")
            self.assertEqual(env["NATS_PASSWORD"]["name"], "null")
            self.assertEqual(pod(found, role)["imagePullSecrets"], [{"name": "12"}])
            self.assertEqual(pod(found, role)["containers"][0]["image"], "registry.example:5000/berth:1e3")
            (claim,) = only(found, "StatefulSet", role)["spec"]["volumeClaimTemplates"]
            self.assertEqual(claim["spec"]["storageClassName"], "1.5")
            self.assertEqual(claim["spec"]["resources"]["requests"]["storage"], "10")
        self.assertEqual(variables(found, "connector")["BERTH_WORKER_TOKEN"]["valueFrom"]["secretKeyRef"], {"name": "123", "key": "0x10"})
        self.assertEqual(variables(found, "nats")["BERTH_NATS_GATEWAY_PASSWORD"]["valueFrom"]["secretKeyRef"]["name"], "null")
        (claim,) = only(found, "StatefulSet", "nats")["spec"]["volumeClaimTemplates"]
        self.assertEqual(claim["spec"]["storageClassName"], "true")
        ingress = only(found, "Ingress", "berth")["spec"]
        self.assertEqual((ingress["ingressClassName"], ingress["rules"][0]["host"]), ("010", "*.shop.example"))
        self.assertEqual(ingress["tls"], [{"hosts": ["*.shop.example"], "secretName": "no"}])
        data, tls = pod(objects(ODD_SERVERS), "gateway")["volumes"]
        self.assertEqual((data["emptyDir"]["sizeLimit"], tls["secret"]["secretName"]), ("10", "0"))

    def test_one_machine_needs_no_volumes_of_roles_and_no_second_host(self):
        found = objects(SMALL)
        self.assertEqual((of_kind(found, "PodDisruptionBudget"), of_kind(found, "NetworkPolicy")), (set(), set()))
        for role in SMALL["roles"]:
            one = only(found, "StatefulSet", role)
            self.assertEqual(one["spec"]["replicas"], 1)
            self.assertNotIn("volumeClaimTemplates", one["spec"])
            self.assertEqual(pod(found, role)["volumes"], [{"name": "data", "emptyDir": {"sizeLimit": "1Gi"}}])
        self.assertIn("volumeClaimTemplates", only(found, "StatefulSet", "nats")["spec"], "the log is never thrown away")
        self.assertEqual({one["whenUnsatisfiable"] for one in pod(found, "nats")["topologySpreadConstraints"]}, {"ScheduleAnyway"})

    def test_servers_of_ones_own_are_reached_over_tls(self):
        found = objects(OWN_SERVERS)
        self.assertFalse([one for one in found if one["metadata"]["name"] in ("nats", "berth-nats")])
        self.assertEqual(only(found, "ConfigMap", "berth")["data"]["BERTH_NATS_REPLICAS"], "5")
        for role in of_kind(found, "StatefulSet"):
            env = variables(found, role)
            self.assertEqual(
                env["BERTH_NATS_URL"]["value"],
                f"tls://{role}:$(NATS_PASSWORD)@nats-1.example:4222,tls://nats-2.example:4222,tls://nats-3.example:4222")
            self.assertEqual(env["NATS_PASSWORD"]["valueFrom"]["secretKeyRef"], {"name": "nats-users", "key": f"nats-{role}-password"})
            self.assertEqual(env["BERTH_MASTER_KEY"]["valueFrom"]["secretKeyRef"]["name"], "berth")
            (mount,) = [one for one in pod(found, role)["containers"][0]["volumeMounts"] if one["name"] == "nats-tls"]
            for name in ("CA", "CERT", "KEY"):
                path = only(found, "ConfigMap", "berth")["data"][f"BERTH_NATS_TLS_{name}"]
                self.assertEqual(str(pathlib.PurePath(path).parent), mount["mountPath"])
            (volume,) = pod(found, role)["volumes"]
            self.assertEqual(volume["secret"]["secretName"], "nats-certificates")

    def test_what_is_said_is_where_it_belongs(self):
        found = objects(EVERYTHING)
        for role in EVERYTHING["roles"]:
            spec = pod(found, role)
            self.assertEqual(spec["containers"][0]["image"], "registry.example/berth@sha256:" + "0" * 64)
            self.assertEqual(spec["containers"][0]["imagePullPolicy"], "Always")
            self.assertEqual(spec["imagePullSecrets"], [{"name": "pull"}])
        for name in of_kind(found, "StatefulSet"):
            self.assertEqual(pod(found, name)["nodeSelector"], EVERYTHING["nodeSelector"])
            self.assertEqual(pod(found, name)["tolerations"], EVERYTHING["tolerations"])
            (claim,) = only(found, "StatefulSet", name)["spec"]["volumeClaimTemplates"]
            self.assertEqual(claim["spec"]["storageClassName"], "fast")
        self.assertEqual(only(found, "StatefulSet", "gateway")["spec"]["replicas"], 4)
        self.assertEqual(only(found, "StatefulSet", "connector")["spec"]["replicas"], 2)
        self.assertEqual(pod(found, "gateway")["containers"][0]["resources"], EVERYTHING["roles"]["gateway"]["resources"])
        said = only(found, "ConfigMap", "berth")["data"]
        for_all = {name: value for name, value in EVERYTHING["settings"].items() if not name.startswith("BERTH_UPSTREAM_")}
        self.assertLessEqual(for_all.items(), said.items())
        self.assertEqual(said["BERTH_PUBLIC_URL"], EVERYTHING["publicUrl"])
        (rule,) = only(found, "NetworkPolicy", "berth-clients")["spec"]["ingress"]
        self.assertEqual(rule["from"], EVERYTHING["networkPolicies"]["clients"])
        ingress = only(found, "Ingress", "berth")["spec"]
        self.assertEqual(ingress["tls"], [{"hosts": ["berth.shop.example"], "secretName": "shop-certificate"}])
        backend = ingress["rules"][0]["http"]["paths"][0]["backend"]["service"]
        ports = {port["name"] for port in only(found, "Service", backend["name"])["spec"]["ports"]}
        self.assertIn(backend["port"]["name"], ports)
        labels = only(found, "ServiceMonitor", "berth")["metadata"]["labels"]
        self.assertEqual((labels["release"], labels["app.kubernetes.io/name"]), ("prometheus", "berth"))

    def test_pods_are_started_anew_when_what_they_were_told_is_another_thing(self):
        def digests(values):
            sets = [one for one in objects(values) if one["kind"] == "StatefulSet"]
            return {one["metadata"]["name"]: one["spec"]["template"]["metadata"]["annotations"] for one in sets}

        before, after = digests({}), digests({"settings": {"BERTH_LOG": "debug"}})
        self.assertEqual({name for name in before if before[name] != after[name]}, set(before) - {"nats"})

    def test_the_notes_name_what_is_still_to_do(self):
        notes = {name: rendered(values)["berth/templates/NOTES.txt"] for name, values in SETS.items()}
        self.assertIn('until the secret "berth" is there', notes["of the chart"])
        self.assertIn("publicUrl is still that of the example", notes["of the chart"])
        self.assertIn('asked from "nats-users"', notes["own servers"])
        self.assertNotIn("publicUrl is still", notes["everything"])
        self.assertNotIn("BERTH_TRUSTED_PROXIES", notes["everything"])
        without = rendered({"ingress": {"enabled": True, "host": "berth.example"}})["berth/templates/NOTES.txt"]
        self.assertIn("BERTH_TRUSTED_PROXIES", without)

    def test_its_version_is_that_of_berth(self):
        version = tomllib.loads(pathlib.Path("Cargo.toml").read_text())["workspace"]["package"]["version"]
        with helm_python.Chart.load(ARCHIVE) as chart:
            self.assertEqual((chart.version, chart.metadata["appVersion"]), (version, version))

    def test_an_archive_of_it_has_the_files_of_the_servers(self):
        with helm_python.Chart.load(ARCHIVE) as chart:
            files = {one["name"]: one["data"] for one in chart.files}
        for name in ("cluster.conf", "permissions.conf"):
            self.assertEqual(files[f"nats/{name}"], pathlib.Path("deploy/nats", name).read_text())


if __name__ == "__main__":
    # As it would be handed on.
    ARCHIVE = helm_python.package(CHART, destination=BUILT)
    unittest.main(verbosity=1)

"""The inventory file: what it says, and what is told of a wrong one."""
# ruff: noqa: E501  (a table reads best with one case a line)

from __future__ import annotations

import json
import textwrap
import time
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.errors import ConfigurationError
from services.inventory.entries import Entry, Merger
from services.inventory.load import read_inventory
from services.inventory.schema import HttpCheck, Inventory, TcpCheck

WHOLE = """\
vps:
  - id: vps-1
    name: Netherlands 1
    region: nl-west
    provider: transip
    tags: [production]
    source: {type: local}
    monitoring: {enabled: true, interval: 5, timeout: 2.5}
    services:
      - {name: backend-api, type: backend, unit: backend.service, check: {http: "https://api.vps1.example/health"}, dependsOn: [postgres, vps-2/redis]}
      - {name: postgres, type: database, check: {tcp: "10.0.0.5:5432"}}
      - {name: nexus, type: frontend, check: {type: tcp, host: "::1", port: 80}, dependsOn: [backend-api]}
    tenants: [tenant-acme]
  - id: vps-2
    monitoring: {enabled: false}
    services:
      - {name: redis, type: redis, check: {tcp: "tcp://[fd00::5]:6379"}}
tenants:
  - id: tenant-acme
    organizationName: ACME Corp
    sla: 99.5
    services:
      - {name: backend, url: "https://acme.example/api", runsOn: vps-1/backend-api}
      - {name: shop, url: "https://shop.example"}
  - id: tenant-b
    services:
      - {name: jobs, url: "https://b.example", runsOn: vps-2/redis, dependsOn: [vps-1/postgres]}
contacts:
  - {name: Ops, email: ops@example.com, webhook: {url: "https://hooks.example/ops", secret: "${OPS_SECRET}"}}
rules:
  - id: cpu
    name: CPU
    severity: warning
    condition: {metric: cpu, operator: greaterThan, value: 90, duration: 60}
    scope: {vps: [vps-1], tenant: [tenant-b]}
"""


@pytest.fixture
def read(tmp_path):
    def read(content, **environ):
        path = tmp_path / "inventory.yml"
        if isinstance(content, str):
            content = textwrap.dedent(content).encode()
        path.write_bytes(content)
        return read_inventory(path, environ)

    return read


@pytest.fixture
def mistakes(read):
    def mistakes(content, **environ):
        with pytest.raises(ConfigurationError) as caught:
            read(content, **environ)
        return caught.value.details

    return mistakes


class TestReading:
    def test_a_whole_inventory(self, read):
        found = read(WHOLE, OPS_SECRET="quiet: [please")
        first, second = found.vps
        assert (first.label, second.label) == ("Netherlands 1", "vps-2")
        assert (first.monitoring.interval, first.monitoring.timeout) == (5, 2.5)
        assert first.services[0].check == HttpCheck(url="https://api.vps1.example/health")
        assert first.services[1].check == TcpCheck(host="10.0.0.5", port=5432)
        assert second.services[0].check == TcpCheck(host="fd00::5", port=6379)
        assert first.services[0].depends_on == ("postgres", "vps-2/redis")
        assert found.tenants[0].sla == 99.5
        assert found.contacts[0].webhook.secret.get_secret_value() == "quiet: [please"
        assert found.rules[0].scope.tenant == ("tenant-b",)

    def test_its_representation_holds_no_secret(self, read):
        assert "hidden-secret" not in repr(read(WHOLE, OPS_SECRET="hidden-secret"))

    @pytest.mark.parametrize("content", ["{}", "vps: []", "---\nvps: []\n...\n", "\ufeffvps: []"])
    def test_nothing_to_watch_is_an_inventory_too(self, read, content):
        assert read(content) == Inventory()

    def test_dates_are_text_and_aliases_repeat_a_value(self, read):
        found = read("""\
            vps:
              - {id: a, name: 2024-01-01, monitoring: &often {interval: 5}}
              - {id: b, monitoring: *often}
            """)
        assert found.vps[0].name == "2024-01-01"
        assert found.vps[1].monitoring.interval == 5

    def test_a_variable_in_a_number_and_several_in_one_text(self, read):
        found = read(
            "vps: [{id: a, name: '${X}-${Y}', monitoring: {interval: '${N}'}}]", X="1", Y="${X}", N="7"
        )  # fmt: skip
        assert (found.vps[0].name, found.vps[0].monitoring.interval) == ("1-${X}", 7)

    def test_the_largest_fleet_is_read_in_seconds(self, read):
        services = "".join(
            f"      - {{name: s{n}, type: web, check: {{tcp: 'h:{n + 1}'}}, dependsOn: [s{n + 1}]}}\n"
            for n in range(4)
        )
        text = "vps:\n" + "".join(
            f"  - id: v{n}\n    services:\n{services}      - {{name: s4, type: web}}\n"
            f"    tenants: [t{n}, t{n + 1000}]\n"
            for n in range(1000)
        )
        text += "tenants:\n" + "".join(f"  - {{id: t{n}}}\n" for n in range(2000))
        started = time.monotonic()
        assert len(read(text).vps) == 1000
        assert time.monotonic() - started < 10


class TestMistakes:
    @pytest.mark.parametrize(
        ("yaml", "said"),
        [
            ("vps:\n  - id: a\n   name: b", "line 3: this is not YAML: while parsing a block"),
            ("vps: [", "line 1: this is not YAML: while parsing a flow node, did not find"),
            ("a: b: c", "line 1: this is not YAML: mapping values are not allowed"),
            ("vps:\n\t- id: a", "line 2: this is not YAML: while scanning for the next token"),
            ("", "it is empty; it may have vps, tenants, contacts, groups, onCall, rules"),
            (
                "# only words\n",
                "it is empty; it may have vps, tenants, contacts, groups, onCall, rules",
            ),
            ("- id: a", "line 1: an inventory is a mapping of fields: vps, tenants, contacts"),
            ("just text", "line 1: an inventory is a mapping of fields: vps, tenants"),
            ("vps: []\n---\nvps: []", "line 2: a second document begins; an inventory is one"),
            ("vps: *x", "line 1: there is no anchor '&x' above this alias"),
            ("vps: &x [*x]", "line 1: the alias '*x' lies inside its own anchor"),
            ("vps: !!python/object:os.system x", "line 1: the tag 'tag:yaml.org,2002:python/"),
            ("vps: !!binary aGk=", "line 1: the tag 'tag:yaml.org,2002:binary' is not understood"),
            ("? [a]\n: b", "line 1: the name of a field must be plain text"),
            ("vps: " + "[" * 33 + "]" * 33, "line 1: nested deeper than 32 levels"),
            (b"vps: []\n# \xff", "line 2: this is not UTF-8; save the file as UTF-8"),
            (b"vps: []\nx: '\x00'", "line 2: the character U+0000 has no place in a text"),
            (b"#" * (5 * 1024**2 + 1), "it is larger than 5 MiB"),
        ],
    )
    def test_a_text_that_cannot_be_looked_into(self, mistakes, yaml, said):
        (line,) = mistakes(yaml)
        assert line.startswith(said)

    @pytest.mark.parametrize(
        ("yaml", "said"),
        [
            ("vsp: []", "line 1: vsp: there is no such field; did you mean 'vps'?"),
            ("wholly: []", "line 1: wholly: there is no such field; known: vps, tenants, contacts, groups, onCall, rules"),
            ("vps:\n- {}", "line 2: vps[0]: needs a 'id'"),
            ("vps:\n- 5", "line 2: vps[0]: needs fields below it: id, name, region"),
            ("vps: {id: a}", "line 1: vps: this is not a list, such as [a, b], or [] for none"),
            ("vps:\nrules: []", "line 1: vps: '' is not a list, such as [a, b], or [] for none"),
            ("vps:\n- id: 5", "line 2: vps[0].id: '5' is not text; put it in quotes"),
            ("vps:\n- id: a\n  region: no", "line 3: vps[0].region: 'no' is not text; put it in quotes"),
            ("vps:\n- id: VPS 1", "line 2: vps[0].id: 'VPS 1' does not fit; use lower-case letters"),
            ("vps:\n- id: a\n  id: b", "line 3: vps[0].id: stands here a second time; the first is on line 2"),
            ("vps:\n- id: a\n  regoin: b", "line 3: vps[0].regoin: there is no such field; did you mean 'region'?"),
            ("vps:\n- id: a\n  depends_on: []", "line 3: vps[0].depends_on: there is no such field; known"),
            ("vps:\n- id: a\n  source: {type: agnet}", "line 3: vps[0].source: there is no source 'agnet'; did you mean 'agent'?"),
            ("vps:\n- id: a\n  source: local", "line 3: vps[0].source: a source is written as {type: local}, {type: agent}, {type: exporter, url:"),
            ("vps:\n- id: a\n  source: {type: exporter}", "line 3: vps[0].source: needs a 'url'"),
            ("vps:\n- id: a\n  source: {type: exporter, url: 'h:9100'}", "line 3: vps[0].source.url: 'h:9100' is no web address"),
            ("vps:\n- id: a\n  source: {health: 'h'}", "line 3: vps[0].source.health: 'h' is no web address"),
            ("vps:\n- id: a\n  source: {local: here}", "line 3: vps[0].source: the local source needs its fields: {local: {field: value}}"),
            ("vps:\n- id: a\n  source: {type: agent, url: 'https://h'}", "line 3: vps[0].source.url: there is no such field; known: type"),
            ("vps:\n- id: a\n  witness: {redis: 'redis://h'}", "line 3: vps[0].witness: there is no witness 'redis'; known: tcp, http"),
            ("vps:\n- id: a\n  witness: 'h:443'", 'line 3: vps[0].witness: a witness is written as {tcp: "host:port"} or {http: "https://host/health"}'),
            ("vps:\n- id: a\n  services: [{name: b, type: c, unit: b.service, container: b}]", "line 3: vps[0].services[0]: a service is a unit or a container; keep the one"),
            ("vps:\n- id: a\n  services: [{name: b, type: c, unit: -now}]", "line 3: vps[0].services[0].unit: '-now' does not fit"),
            ("vps:\n- id: a\n  services: [{name: b, type: c, unit: 'b; reboot'}]", "line 3: vps[0].services[0].unit: 'b; reboot' does not fit"),
            ("vps:\n- id: a\n  <<: {}", "line 3: vps[0]: '<<' is not understood; use an alias"),
            ("vps:\n- id: a\n  name: " + "x" * 201, f"line 3: vps[0].name: '{'x' * 60}...' is too long; at most 200 fit"),
            ("vps:\n- id: a\n  monitoring: {interval: 0}", "line 3: vps[0].monitoring.interval: '0' is out of range; it must be at least 1"),
            ("vps:\n- id: a\n  monitoring: {interval: .nan}", "line 3: vps[0].monitoring.interval: '.nan' is out of range"),
            ("vps:\n- id: a\n  monitoring: {timeout: 10s}", "line 3: vps[0].monitoring.timeout: '10s' is not a number"),
            ("vps:\n- id: a\n  monitoring: {enabled: maybe}", "line 3: vps[0].monitoring.enabled: 'maybe' is not true or false"),
            ("vps:\n- id: a\n  monitoring: {interval: " + "9" * 5000 + "}", f"line 3: vps[0].monitoring.interval: '{'9' * 40}' is not a whole number"),
            ("tenants:\n- id: a\n  sla: 101", "line 3: tenants[0].sla: '101' is out of range; it must be at most 100"),
            ("tenants:\n- id: a\n  services: [{name: b, url: b.example}]", "line 3: tenants[0].services[0].url: 'b.example' is no web address; write it as https://host/path"),
            ("contacts:\n- name: ''", "line 2: contacts[0].name: '' is empty; write something or leave"),
            ("contacts:\n- name: a\n  webhook: {url: 'https://h', secret: ''}", "line 3: contacts[0].webhook.secret: the secret is empty; give a random"),
            ("contacts:\n- name: a\n  webhook: {url: 'https://h', secret: whsec_!}", "line 3: contacts[0].webhook.secret: after 'whsec_' a secret goes on in base64"),
            ("contacts:\n- name: a\n  webhook: {url: 'https://h', secret: 123456}", "line 3: contacts[0].webhook.secret: this is not text; put it in quotes"),
            ("contacts:\n- name: a\n  webhook: {url: 'ftp://u:pw@h', secret: abc}", "line 3: contacts[0].webhook.url: 'ftp://***@h' is no web address"),
        ],
    )  # fmt: skip
    def test_a_field_that_is_wrong(self, mistakes, yaml, said):
        assert any(line.startswith(said) for line in mistakes(yaml)), mistakes(yaml)

    @pytest.mark.parametrize(
        ("check", "said"),
        [
            ("{htp: 'https://h'}", "check: there is no check 'htp'; did you mean 'http'?"),
            ("{oracle: x}", "check: there is no check 'oracle'; known: http, tcp, tls, dns, postgres, redis, s3, smtp"),
            ("{type: postgress}", "check: there is no check 'postgress'; did you mean 'postgres'?"),
            ("{type: [http]}", "check: there is no check '['http']'; "),
            ("https://h", 'check: a check is written as {http: "https://host/health"} or {tcp: "'),
            ("{http: 'https://h', tcp: 'h:1'}", "check: a service has one check, and these are 2: http, tcp"),
            ("{http: 5}", "check: the http check needs an address as text"),
            ("{http: h}", "check.http: 'h' is no web address; write it as https://host/path"),
            ("{http: 'https://h:x'}", "check.http: 'https://h:x' is no web address"),
            ("{http: {url: 'https://h', foo: 1}}", "check.http.foo: there is no such field; known: type, url"),
            ("{type: http, ulr: 'https://h'}", "check: needs a 'url'"),
            ("{type: http, ulr: 'https://h'}", "check.ulr: there is no such field; did you mean 'url'?"),
            ("{tcp: h}", "check: 'h' is no address; write it as host:port, such as db.example:5432"),
            ("{tcp: 'h:70000'}", "check: 'h:70000' is no address; write it as host:port"),
            ("{tcp: 'h:²'}", "check: 'h:²' is no address; write it as host:port"),
            ("{type: tcp, host: h, port: 0}", "check.port: '0' is out of range; it must be at least 1"),
        ],
    )  # fmt: skip
    def test_a_check_that_is_wrong(self, mistakes, check, said):
        lines = mistakes(f"vps:\n- id: a\n  services:\n  - {{name: b, type: c, check: {check}}}")
        assert any(line.startswith(f"line 4: vps[0].services[0].{said}") for line in lines), lines

    def test_names_that_lead_nowhere(self, mistakes):
        assert mistakes("""\
            vps:
              - id: v1
                source: {type: local}
                services:
                  - {name: a, type: t, dependsOn: [b, nothing]}
                  - {name: b, type: t, dependsOn: [v2/c]}
                  - {name: b, type: t}
                  - {name: me, type: t, dependsOn: [me]}
                tenants: [acme, acmee, acme]
              - id: v2
                source: {type: local}
                services:
                  - {name: c, type: t, dependsOn: [v1/a, v9/x]}
              - id: v1
            tenants:
              - id: acme
                services:
                  - {name: x, url: "https://x", runsOn: v1/aa}
                  - {name: x, url: "https://x", runsOn: a, dependsOn: [v2/c]}
              - id: acme
            contacts: [{name: Ops}, {name: Ops}]
            rules:
              - &rule
                id: r
                name: R
                severity: info
                condition: {metric: cpu, operator: equals, value: 1}
                scope: {vps: [v1, v3], tenant: [acmee]}
              - *rule
            """) == [
            "line 5: vps[0].services[0].dependsOn[1]: there is no service 'v1/nothing'; known: v1/a, v1/b, v1/me",
            "line 5: vps[0].services[0].dependsOn[0]: goes in a circle: v1/a -> v1/b -> v2/c -> v1/a",
            "line 7: vps[0].services[2].name: there already is a service 'b' (services[1]); name each once",
            "line 8: vps[0].services[3].dependsOn[0]: goes in a circle: v1/me -> v1/me",
            "line 9: vps[0].tenants[1]: there is no tenant 'acmee'; did you mean 'acme'?",
            "line 9: vps[0].tenants[2]: 'acme' stands here twice; name each tenant once",
            "line 11: vps[1].source: only one server can be this machine, and 'v1' is; give this one another source, or that one",
            "line 13: vps[1].services[0].dependsOn[1]: there is no service 'v9/x'; there is no server 'v9'; known: v1, v2",
            "line 14: vps[2].id: there already is a server 'v1' (vps[0]); name each once",
            "line 18: tenants[0].services[0].runsOn: there is no service 'v1/aa'; did you mean 'v1/a' or 'v1/b'?",
            "line 19: tenants[0].services[1].name: there already is an application 'x' (services[0]); name each once",
            "line 19: tenants[0].services[1].runsOn: 'a' needs its server before it; write vps/service",
            "line 20: tenants[1].id: there already is a tenant 'acme' (tenants[0]); name each once",
            "line 21: contacts[1].name: there already is a contact 'Ops' (contacts[0]); name each once",
            "line 24: rules[1].id: there already is a rule 'r' (rules[0]); name each once",
            "line 28: rules[0].scope.vps[1]: there is no server 'v3'; known: v1, v2",
            "line 28: rules[0].scope.tenant[0]: there is no tenant 'acmee'; did you mean 'acme'?",
            "line 28: rules[1].scope.vps[1]: there is no server 'v3'; known: v1, v2",
            "line 28: rules[1].scope.tenant[0]: there is no tenant 'acmee'; did you mean 'acme'?",
        ]

    def test_this_machine_is_one_however_it_is_written(self, mistakes):
        (line,) = mistakes("vps:\n- {id: a, source: {local: {}}}\n- {id: b, source: {type: local}}")
        assert line.startswith(
            "line 3: vps[1].source: only one server can be this machine, and 'a'"
        )

    def test_a_rule_may_name_this_machine(self, read):
        rule = (
            "{id: r, name: R, severity: info, scope: {vps: [healthdeck]}, "
            "condition: {metric: cpu, operator: equals, value: 1}}"
        )
        assert read(f"vps: [{{id: a}}]\nrules: [{rule}]").rules

    def test_thousands_of_mistakes_are_told_in_seconds(self, mistakes):
        text = "vps: [{id: a, tenants: [" + ", ".join(f"tenamt-{n}" for n in range(1000)) + "]}]\n"
        text += "tenants:\n" + "".join(f"- id: tenant-{n}\n" for n in range(2000))
        started = time.monotonic()
        lines = mistakes(text)
        assert time.monotonic() - started < 10
        assert len(lines) == 1000
        assert "did you mean 'tenant-" in lines[7]


class TestVariables:
    def test_one_that_is_not_set(self, mistakes):
        said = "line 29: contacts[0].webhook.secret: the environment has no variable OPS_SECRET"
        assert [line.startswith(said) for line in mistakes(WHOLE)] == [True]

    @pytest.mark.parametrize("text", ["${OPS-SECRET}", "${}", "${OPEN", "x${9}"])
    def test_one_that_is_written_wrongly(self, mistakes, text):
        (line,) = mistakes(f"vps:\n- id: a\n  name: '{text}'")
        assert line.startswith("line 3: vps[0].name: '${' needs the name of a variable and '}'")

    @pytest.mark.parametrize(
        "yaml",
        [
            "tenants: [{id: '${S}'}]",
            "vps: [{id: a, services: [{name: b, type: c, check: {http: '${S}'}}]}]",
            "vps: [{id: a, services: [{name: b, type: c, check: {tcp: 'x ${S}:5'}}]}]",
            "vps: [{id: a, services: [{name: b, type: c, check: {type: '${S}'}}]}]",
            "vps: [{id: a, monitoring: {interval: '${S}'}, tenants: ['${S}']}]",
            "vps: [{id: a, source: {type: '${S}'}}]",
            "vps: [{id: a, services: [{name: b, type: c, dependsOn: ['${S}']}]}]",
            "rules: [{id: r, name: n, severity: info, condition: {metric: '${S}', operator: equals, value: 1}}]",
            "rules: [{id: r, name: n, severity: info, condition: {metric: cpu, operator: equals, value: '${S}'}}]",
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("secret", ["Hush! hush, my dear" * 30, "$ecr", "Ab1-"])
    def test_a_value_never_stands_in_a_message(self, mistakes, yaml, secret):
        for line in mistakes(yaml, S=secret):
            assert secret[:10] not in line


WORDS = """
vps tenants contacts groups onCall members quietHours from to handover since overrides rules id name type check http tcp services dependsOn source local scope condition
metric value a b 1 .nan ~ yes ${A} ${ << & * ! | > ' " : - [ ] { } , # ? % @ ` & &x *x !!int !!map 0x 1e9
2024-13-45 --- ...
"""
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
KINDS = [
    "http",
    "tcp",
    "tls",
    "dns",
    "postgres",
    "redis",
    "s3",
    "smtp",
    "local",
    "agent",
    "exporter",
]
FIELDS = [
    "id", "name", "type", "check", "url", "host", "port", "services", "dependsOn", "runsOn", "tenants",
    "source", "witness", "unit", "container", "scope", "vps", "json", "header", "requestHeaders", "status",
    "user", "password", "secretKey", "expect", "${A}", *KINDS,
]  # fmt: skip
#: The machine may be busy with other tests.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
SHAPES = st.recursive(
    LEAF,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4)
        | st.dictionaries(st.just("type"), st.sampled_from(KINDS), min_size=1)
    ),
    max_leaves=12,
)


class TestHostileFiles:
    def test_a_missing_file_and_a_folder(self, tmp_path):
        for path, said in ((tmp_path / "no.yml", "No such file"), (tmp_path, "Is a directory")):
            with pytest.raises(ConfigurationError, match=f"cannot read it: {said}") as caught:
                read_inventory(path, {})
            assert str(path) in caught.value.message

    def test_aliases_that_blow_up(self, mistakes):
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
        lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
        (line,) = mistakes("\n".join(lines))
        assert (
            line == "line 7: with its aliases the file has more than 1,000,000 values or 32 levels"
        )

    def test_aliases_that_go_deep(self, mistakes):
        lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 2000))]
        (line,) = mistakes("\n".join(lines))
        assert line.endswith("more than 1,000,000 values or 32 levels")

    @pytest.mark.parametrize("text", ["[" * 500_000, "{a: " * 200_000, "- " * 200_000])
    def test_depth_without_end(self, mistakes, text):
        assert mistakes(text) == ["line 1: nested deeper than 32 levels"]

    @UNHURRIED
    @given(data=st.binary(max_size=200))
    def test_any_bytes(self, tmp_path_factory, data):
        self._survives(tmp_path_factory, data)

    @UNHURRIED
    @given(
        data=st.lists(
            st.sampled_from([*WORDS.split(), "\n", "\n  ", "\n- ", "\t", "\u2028"]
            ).map(lambda word: word + " "),
            max_size=40,
        ).map("".join)
    )  # fmt: skip
    def test_any_text(self, tmp_path_factory, data):
        self._survives(tmp_path_factory, data.encode())

    @UNHURRIED
    @given(data=st.dictionaries(st.sampled_from(["vps", "tenants", "contacts", "rules"]), SHAPES))
    def test_any_shape(self, tmp_path_factory, data):
        self._survives(tmp_path_factory, json.dumps(data).encode())

    @UNHURRIED
    @given(
        entries=st.lists(
            st.builds(
                lambda kind, spec: Entry(kind, "a", spec),
                st.sampled_from(["vps", "tenant"]),
                st.dictionaries(st.sampled_from(FIELDS), SHAPES, max_size=5),
            ),
            max_size=3,
        )
    )
    def test_any_entry(self, entries):
        inventory, faults = Merger(Inventory(), {"A": "1"}).merge(entries)
        assert (inventory is None) == bool(faults)

    def _survives(self, tmp_path_factory, data):
        path = tmp_path_factory.getbasetemp() / "arbitrary.yml"
        path.write_bytes(data)
        with suppress(ConfigurationError):
            read_inventory(path, {"A": "1"})

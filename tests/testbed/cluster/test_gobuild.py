from dataclasses import replace

from testbed.cluster.gobuild import artefact_of, linker_flags, module_file, staging_version
from testbed.cluster.paths import ASSETS
from testbed.cluster.tools import CORE, COREDNS, ETCD, KUBERNETES, PEERS, Program, Recipe, Tool

TOOL = Tool(
    name="tool",
    module="example.org/tool",
    version="v1.2.3",
    programs=(Program("tool", ""),),
    build_seconds=1,
    gigabytes=0.1,
    recipe=Recipe.OWN_MODULE,
    replaces=("example.org/client => example.org/client v1.2.3",),
)
GO_MOD = {
    "Go": "1.26.0",
    "Godebug": [{"Key": "default", "Value": "go1.25"}],
    "Replace": [
        {"Old": {"Path": "example.org/a", "Version": "v1.0.0"}, "New": {"Path": "example.org/b", "Version": "v1.1.0"}},
        {"Old": {"Path": "example.org/client"}, "New": {"Path": "./client"}},
    ],
}


def test_a_module_repeats_published_replacements_and_leaves_out_local_ones() -> None:
    assert module_file(TOOL, GO_MOD) == (
        "module tool-build\n\ngo 1.26.0\n\n"
        "godebug default=go1.25\n"
        "replace example.org/a v1.0.0 => example.org/b v1.1.0\n"
        "replace example.org/client => example.org/client v1.2.3\n"
        "\nrequire example.org/tool v1.2.3\n"
    )


def test_kubernetes_local_modules_are_replaced_by_their_published_versions() -> None:
    go_mod = {"Go": "1.26.0", "Replace": [{"Old": {"Path": "k8s.io/api"}, "New": {"Path": "./staging/src/k8s.io/api"}}]}
    published = f"replace k8s.io/api => k8s.io/api {staging_version(KUBERNETES.version)}\n"
    assert published in module_file(KUBERNETES, go_mod)


def test_the_staging_version_keeps_minor_and_patch() -> None:
    assert staging_version("v1.36.4") == "v0.36.4"


def test_kubernetes_programs_are_told_their_version() -> None:
    flags = linker_flags(KUBERNETES)
    assert f"-X k8s.io/component-base/version.gitVersion={KUBERNETES.version}" in flags
    assert "-X k8s.io/client-go/pkg/version.gitMinor=36" in flags
    assert not any(flag.startswith("-X") for flag in linker_flags(ETCD))


def test_a_new_version_is_a_new_artefact() -> None:
    newer = replace(TOOL, version="v1.2.4")
    assert artefact_of(newer).key != artefact_of(TOOL).key


def test_no_two_tools_bring_the_same_program() -> None:
    names = [program.name for tool in (*CORE, *PEERS) for program in tool.programs]
    assert len(names) == len(set(names))


def test_a_change_of_our_own_main_is_a_new_artefact() -> None:
    assert artefact_of(replace(COREDNS, main="")).key != artefact_of(COREDNS).key


def test_coredns_links_the_plugins_that_our_corefile_names() -> None:
    main = (ASSETS / COREDNS.main).read_text()
    corefile = (ASSETS / "control-plane" / "Corefile").read_text()
    named = {line.split()[0] for line in corefile.splitlines() if line.startswith("    ") and line[4].isalpha()}
    assert named >= {"bind", "kubernetes"}
    assert [name for name in sorted(named) if f'"github.com/coredns/coredns/plugin/{name}"' not in main] == []

"""The generated CustomResourceDefinitions."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from embedding_operator.api.crd import CUSTOM_RESOURCES, CustomResource, crd_files, main

CRDS = Path(__file__).parents[3] / "crds"
FILES = crd_files()

Schema = dict[str, Any]

every_resource = pytest.mark.parametrize("resource", CUSTOM_RESOURCES, ids=lambda resource: resource.kind)


def schema_of(resource: CustomResource) -> Schema:
    schema: Schema = resource.document()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def nodes(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """Yield every schema below and including `schema`, each with its path."""
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from nodes(schema["additionalProperties"], f"{path}{{}}")


def spec_nodes(resource: CustomResource) -> list[tuple[str, Schema]]:
    return list(nodes(schema_of(resource)["properties"]["spec"], "spec"))


def test_the_files_in_the_repository_are_the_generated_ones() -> None:
    found = {path.name: path.read_text(encoding="utf-8") for path in CRDS.iterdir()}
    assert found == FILES, "run `make generate`"


def test_the_command_writes_the_files(tmp_path: Path) -> None:
    main([str(tmp_path / "new")])
    assert {path.name for path in (tmp_path / "new").iterdir()} == FILES.keys()


def test_the_files_are_plain_yaml_without_anchors() -> None:
    for text in FILES.values():
        assert not re.search(r"^\s*(- |\w+: )[&*]id\d+", text, re.MULTILINE)
        assert yaml.safe_load(text)["kind"] == "CustomResourceDefinition"


@every_resource
def test_names_are_what_users_type(resource: CustomResource) -> None:
    document = resource.document()
    assert document["metadata"]["name"] == f"{resource.plural}.embedding-operator.io"
    assert document["spec"]["names"]["categories"] == ["embeddings"]
    assert document["spec"]["versions"][0]["subresources"] == {"status": {}}
    assert document["spec"]["versions"][0]["additionalPrinterColumns"][-1]["name"] == "Age"


@every_resource
def test_every_list_string_and_map_of_a_spec_is_bounded(resource: CustomResource) -> None:
    """Without bounds, a rule over them would cost too much, and one object could fill the database."""
    unbounded = [
        path
        for path, schema in spec_nodes(resource)
        if (schema.get("type") == "array" and "maxItems" not in schema)
        or ("additionalProperties" in schema and "maxProperties" not in schema)
        or (schema.get("type") == "string" and not {"maxLength", "enum"} & schema.keys())
    ]
    assert unbounded == []


@every_resource
def test_every_list_says_how_it_is_merged(resource: CustomResource) -> None:
    lists = [(path, schema) for path, schema in nodes(schema_of(resource), "") if schema.get("type") == "array"]
    assert [path for path, schema in lists if "x-kubernetes-list-type" not in schema] == []


@every_resource
def test_every_field_of_a_spec_explains_itself(resource: CustomResource) -> None:
    fields = [(path, schema) for path, schema in spec_nodes(resource) if not path.endswith(("[]", "{}"))]
    assert [path for path, schema in fields if not schema.get("description")] == []


@every_resource
def test_every_rule_has_a_message_that_is_a_sentence_of_its_own(resource: CustomResource) -> None:
    rules = [
        rule for _, schema in nodes(schema_of(resource), "") for rule in schema.get("x-kubernetes-validations", ())
    ]
    assert rules
    assert [rule["message"] for rule in rules if len(rule["message"].split()) < 4] == []


@every_resource
def test_printer_columns_and_selectable_fields_name_fields_that_exist(resource: CustomResource) -> None:
    known = {path for path, _ in nodes(schema_of(resource), "")}
    columns = [re.sub(r"\[\?\(.*?\)\]", "[]", column.path) for column in resource.columns]
    assert {*columns, *resource.selectable_fields} <= known

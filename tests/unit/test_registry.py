from typing import Annotated, Literal

import pytest
from colonnade.server.errors import BadArgument
from colonnade.server.model import Call, Caller
from colonnade.server.registry import WHOLE, Arguments, Registry, Tool
from pydantic import Field
from typing_extensions import TypedDict

CALL = Call(Caller("ann", "test", "memory"))


class Ask(Arguments):
    name: str
    size: Annotated[int | None, Field(ge=1), WHOLE] = None
    kind: Literal["a", "b"] | None = None
    either: str | int | None = None


class Told(TypedDict):
    said: str
    nothing: str | None


async def tell(app: str, call: Call, arguments: Ask) -> Told:
    """Tell it.

    Then tell it again.
    """
    return {"said": f"{app} {call.caller.subject} {arguments.name} {arguments.size}", "nothing": None}


TOOL = Tool("Tell", tell, Ask, Told)
REGISTRY: Registry[str] = Registry({TOOL.name: TOOL}, ())


def test_name_and_description_come_from_the_function() -> None:
    assert TOOL.name == "tell"
    assert TOOL.description == "Tell it.\n\nThen tell it again."


def test_the_input_schema_says_nothing_twice() -> None:
    assert TOOL.input_schema == {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string"},
            "size": {"type": "integer", "minimum": 1},
            "kind": {"enum": ["a", "b"]},
            "either": {"type": ["string", "integer"]},
        },
        "required": ["name"],
    }


def test_the_output_schema_keeps_what_may_be_null() -> None:
    assert TOOL.output_schema["properties"]["nothing"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}


@pytest.mark.parametrize(
    "arguments", [{"name": "x"}, {"name": "x", "size": None, "kind": None}, {"name": "x", "size": 7.0}]
)
async def test_null_and_whole_floats_are_accepted(arguments: dict[str, object]) -> None:
    told = await REGISTRY.call("app", CALL, "tell", arguments)
    assert told["said"] == f"app ann x {7 if arguments.get('size') else None}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "`name` is missing"),
        ({"name": 1}, "`name`: input should be a valid string"),
        ({"name": "x", "size": "7"}, "`size`: input should be a valid integer"),
        ({"name": "x", "size": 7.5}, "`size`: input should be a valid integer"),
        ({"name": "x", "size": True}, "`size`: input should be a valid integer"),
        ({"name": "x", "size": 0}, "`size`: input should be greater than or equal to 1"),
        ({"name": "x", "kind": "c"}, "`kind`: input should be 'a' or 'b'"),
    ],
)
async def test_a_wrong_argument_is_named_with_what_it_should_be(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(BadArgument) as caught:
        await REGISTRY.call("app", CALL, "tell", arguments)
    assert message in str(caught.value)
    assert "Arguments: name, size, kind, either." in str(caught.value)


async def test_an_unknown_argument_is_answered_with_the_nearest() -> None:
    with pytest.raises(BadArgument) as caught:
        await REGISTRY.call("app", CALL, "tell", {"name": "x", "siez": 1})
    assert caught.value.candidates == ("size",)

"""What the conformance suite looks for on a server, added to ours: whatever is not a fixture goes on to our handlers.

The names are the suite's own; nothing here says anything about Colonnade but what it lets through.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import mcp_types as types
from colonnade.server.protocol import ColonnadeServer
from mcp.server import ServerRequestContext
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.subscriptions import ListenHandler, PromptsListChanged, ServerEvent, ToolsListChanged
from mcp.shared.exceptions import MCPError

Context = ServerRequestContext[Any, Any]
Schema = dict[str, Any]
Question = types.ElicitRequest | types.CreateMessageRequest | types.ListRootsRequest
Answer = types.CallToolResult | types.InputRequiredResult
Publish = Callable[[ServerEvent], Awaitable[None]]

IMAGE: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
SOUND: Final = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="

STATE_KEY: Final = b"a key of the conformance fixtures"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a fixture tool."""

    context: Context
    params: types.CallToolRequestParams
    publish: Publish

    @property
    def arguments(self) -> Mapping[str, Any]:
        return self.params.arguments or {}

    @property
    def responses(self) -> Mapping[str, Any]:
        """What the client answered to the questions of the round before."""
        return self.params.input_responses or {}


Run = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Fixture:
    """A tool that exists for the suite."""

    tool: types.Tool
    run: Run


FIXTURES: Final[dict[str, Fixture]] = {}


def fixture(schema: Schema | None = None, *, prefix: str = "test_") -> Callable[[Run], Run]:
    """Make a tool of a function, named like it."""

    def register(run: Run) -> Run:
        name = prefix + run.__name__
        description = f"Conformance fixture: {run.__name__.replace('_', ' ')}."
        tool = types.Tool(name=name, description=description, input_schema=schema or {"type": "object"})
        FIXTURES[name] = Fixture(tool, run)
        return run

    return register


def objects(**properties: str | Schema) -> Schema:
    """Return the schema of an object by its properties: a type, or a schema."""
    given = {name: {"type": kind} if isinstance(kind, str) else kind for name, kind in properties.items()}
    return {"type": "object", "properties": given, "required": list(properties)}


def text(words: str) -> types.TextContent:
    return types.TextContent(type="text", text=words)


def image() -> types.ImageContent:
    return types.ImageContent(type="image", data=IMAGE, mime_type="image/png")


def embedded(uri: str, mime_type: str, words: str) -> types.EmbeddedResource:
    contents = types.TextResourceContents(uri=uri, mime_type=mime_type, text=words)
    return types.EmbeddedResource(type="resource", resource=contents)


def says(*content: str | types.ContentBlock) -> types.CallToolResult:
    """Answer with text or blocks."""
    return types.CallToolResult(content=[text(part) if isinstance(part, str) else part for part in content])


def asks(state: str | None = None, **questions: Question) -> types.InputRequiredResult:
    """Answer with questions; the client calls again with its responses and the state."""
    return types.InputRequiredResult(input_requests=cast("Any", questions), request_state=state)


def form(message: str, **properties: str) -> types.ElicitRequest:
    params = types.ElicitRequestFormParams(message=message, requested_schema=objects(**properties))
    return types.ElicitRequest(params=params)


def model(words: str) -> types.CreateMessageRequest:
    messages = [types.SamplingMessage(role="user", content=text(words))]
    return types.CreateMessageRequest(params=types.CreateMessageRequestParams(messages=messages, max_tokens=50))


# Content


@fixture()
async def simple_text(_: Call) -> Answer:
    return says("This is a simple text response for testing.")


@fixture()
async def image_content(_: Call) -> Answer:
    return says(image())


@fixture()
async def audio_content(_: Call) -> Answer:
    return says(types.AudioContent(type="audio", data=SOUND, mime_type="audio/wav"))


@fixture()
async def embedded_resource(_: Call) -> Answer:
    return says(embedded("test://embedded-resource", "text/plain", "This is an embedded resource content."))


@fixture()
async def multiple_content_types(_: Call) -> Answer:
    mixed = embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}')
    return says("Multiple content types test:", image(), mixed)


@fixture()
async def error_handling(_: Call) -> Answer:
    return types.CallToolResult(content=[text("This tool intentionally returns an error for testing")], is_error=True)


@fixture(
    {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
            }
        },
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": False,
    },
    prefix="",
)
async def json_schema_2020_12_tool(_: Call) -> Answer:
    return says("ok")


@fixture({"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}})
async def x_mcp_header(call: Call) -> Answer:
    return says(f"region={call.arguments.get('region')}")


# While a call runs


@fixture()
async def tool_with_progress(call: Call) -> Answer:
    for done in (0, 50, 100):
        await call.context.session.report_progress(done, 100, f"{done} of 100")
    return says("done")


async def log(call: Call, *messages: str) -> None:
    for message in messages:
        await call.context.session.send_log_message(  # pyright: ignore[reportDeprecated] - the suite scores it still
            "info", message, related_request_id=call.context.request_id
        )


@fixture()
async def tool_with_logging(call: Call) -> Answer:
    await log(call, "Tool execution started", "Tool processing data", "Tool execution completed")
    return says("logged")


@fixture()
async def logging_tool(call: Call) -> Answer:
    await log(call, "Tool ran")
    return says("logged")


@fixture()
async def trigger_tool_change(call: Call) -> Answer:
    await call.publish(ToolsListChanged())
    return says("changed")


@fixture()
async def trigger_prompt_change(call: Call) -> Answer:
    await call.publish(PromptsListChanged())
    return says("changed")


# Asking the client, as in 2025-11-25: requests while the call waits


@fixture(objects(prompt="string"))
async def sampling(call: Call) -> Answer:
    messages = [types.SamplingMessage(role="user", content=text(call.arguments["prompt"]))]
    result = await call.context.session.create_message(  # pyright: ignore[reportDeprecated] - as above
        messages, max_tokens=100, related_request_id=call.context.request_id
    )
    assert isinstance(result.content, types.TextContent)
    return says(f"LLM response: {result.content.text}")


async def elicit(call: Call, message: str, schema: Schema) -> Answer:
    result = await call.context.session.elicit_form(message, schema, related_request_id=call.context.request_id)
    return says(f"User response: action={result.action}, content={json.dumps(result.content or {})}")


@fixture(objects(message="string"))
async def elicitation(call: Call) -> Answer:
    return await elicit(call, call.arguments["message"], objects(response="string"))


@fixture()
async def elicitation_sep1034_defaults(call: Call) -> Answer:
    properties: Schema = {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": True},
    }
    return await elicit(call, "Check the defaults", {"type": "object", "properties": properties})


@fixture()
async def elicitation_sep1330_enums(call: Call) -> Answer:
    titled = [{"const": value, "title": value.title()} for value in ("value1", "value2", "value3")]
    plain = ["option1", "option2", "option3"]
    properties: Schema = {
        "untitledSingle": {"type": "string", "enum": plain},
        "titledSingle": {"type": "string", "oneOf": titled},
        "legacyEnum": {"type": "string", "enum": plain, "enumNames": ["Option 1", "Option 2", "Option 3"]},
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": plain}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled}},
    }
    return await elicit(call, "Choose", {"type": "object", "properties": properties})


# Asking the client, as in 2026-07-28: the result asks, and the client calls again


@fixture()
async def missing_capability(call: Call) -> Answer:
    capabilities = call.context.session.client_capabilities
    if capabilities is None or capabilities.sampling is None:
        required = types.ClientCapabilities(sampling=types.SamplingCapability()).model_dump(exclude_none=True)
        code = types.MISSING_REQUIRED_CLIENT_CAPABILITY
        raise MCPError(code, "This tool needs sampling.", {"requiredCapabilities": required})
    return says("ok")


@fixture()
async def streaming_elicitation(call: Call) -> Answer:
    return says("ok") if call.responses else asks(answer=form("Which word?", response="string"))


@fixture()
async def input_required_result_elicitation(call: Call) -> Answer:
    answer = call.responses.get("user_name")
    if isinstance(answer, types.ElicitResult):
        return says(f"Hello, {(answer.content or {}).get('name')}!")
    return asks(user_name=form("What is your name?", name="string"))


@fixture()
async def input_required_result_sampling(call: Call) -> Answer:
    if "capital_question" in call.responses:
        return says("answered")
    return asks(capital_question=model("What is the capital of France?"))


@fixture()
async def input_required_result_list_roots(call: Call) -> Answer:
    return says("answered") if "client_roots" in call.responses else asks(client_roots=types.ListRootsRequest())


@fixture()
async def input_required_result_request_state(call: Call) -> Answer:
    if call.responses and call.params.request_state == "asked":
        return says("state-ok")
    return asks("asked", confirm=form("Please confirm", ok="boolean"))


@fixture()
async def input_required_result_multiple_inputs(call: Call) -> Answer:
    questions: dict[str, Question] = {
        "user_name": form("What is your name?", name="string"),
        "greeting": model("Generate a greeting"),
        "client_roots": types.ListRootsRequest(),
    }
    return says("all answered") if questions.keys() <= call.responses.keys() else asks("asked", **questions)


@fixture()
async def input_required_result_multi_round(call: Call) -> Answer:
    match call.params.request_state:
        case "first" if "step1" in call.responses:
            return asks("second", step2=form("Step 2: your favourite color?", color="string"))
        case "second" if "step2" in call.responses:
            return says("complete")
        case _:
            return asks("first", step1=form("Step 1: your name?", name="string"))


@fixture()
async def input_required_result_tampered_state(call: Call) -> Answer:
    if call.params.request_state:
        return says(f"state-ok: {call.params.request_state}")
    return asks("asked", confirm=form("Please confirm", ok="boolean"))


@fixture()
async def input_required_result_capabilities(call: Call) -> Answer:
    capabilities = call.context.session.client_capabilities
    questions: dict[str, Question] = {}
    if capabilities is None or capabilities.sampling is not None:
        questions["greeting"] = model("Say hello")
    if capabilities is None or capabilities.elicitation is not None:
        questions["user_name"] = form("What is your name?", name="string")
    return asks("asked", **questions)


# Resources and prompts

RESOURCES: Final = {"static-text": "text/plain", "static-binary": "image/png", "watched-resource": "text/plain"}

TEMPLATE: Final = types.ResourceTemplate(
    uri_template="test://template/{id}/data", name="template", mime_type="application/json"
)

PROMPTS: Final[Mapping[str, tuple[str, ...]]] = {
    "test_simple_prompt": (),
    "test_prompt_with_arguments": ("arg1", "arg2"),
    "test_prompt_with_embedded_resource": ("resourceUri",),
    "test_prompt_with_image": (),
    "test_input_required_result_prompt": (),
}


def resource(uri: str) -> types.TextResourceContents | types.BlobResourceContents | None:
    """Return what stands at a URI of the fixtures."""
    match uri.removeprefix("test://").split("/"):
        case ["static-binary"]:
            return types.BlobResourceContents(uri=uri, mime_type="image/png", blob=IMAGE)
        case ["static-text" | "watched-resource"]:
            return types.TextResourceContents(uri=uri, mime_type="text/plain", text="This never changes.")
        case ["template", number, "data"]:
            data = json.dumps({"id": number, "templateTest": True, "data": f"Data for ID: {number}"})
            return types.TextResourceContents(uri=uri, mime_type="application/json", text=data)
        case _:
            return None


def user(*content: types.ContentBlock) -> types.GetPromptResult:
    return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=block) for block in content])


async def get_prompt(
    _: Context, params: types.GetPromptRequestParams
) -> types.GetPromptResult | types.InputRequiredResult:
    given = params.arguments or {}
    match params.name:
        case "test_simple_prompt":
            return user(text("This is a simple prompt for testing."))
        case "test_prompt_with_arguments":
            return user(text(f"Prompt with arguments: arg1='{given['arg1']}', arg2='{given['arg2']}'"))
        case "test_prompt_with_embedded_resource":
            return user(embedded(given["resourceUri"], "text/plain", "Embedded."), text("Process it."))
        case "test_prompt_with_image":
            return user(image(), text("Look at it."))
        case "test_input_required_result_prompt" if params.input_responses:
            return user(text("Use the context."))
        case "test_input_required_result_prompt":
            return asks(user_context=form("What is the context?", context="string"))
        case _:
            raise MCPError(types.INVALID_PARAMS, f"Unknown prompt: {params.name}")


async def list_prompts(_: Context, __: types.PaginatedRequestParams) -> types.ListPromptsResult:
    prompts = [
        types.Prompt(
            name=name,
            description=f"Conformance fixture: {name.replace('_', ' ')}.",
            arguments=[types.PromptArgument(name=argument, required=True) for argument in arguments],
        )
        for name, arguments in PROMPTS.items()
    ]
    return types.ListPromptsResult(prompts=prompts)


async def accept(_: Context, __: types.RequestParams) -> types.EmptyResult:
    return types.EmptyResult()


class Mounted:
    """Our handlers with the fixtures before them."""

    def __init__(self, server: ColonnadeServer) -> None:
        self._ours = {
            method: self._entry(server, method)
            for method in ("tools/list", "tools/call", "resources/list", "resources/templates/list", "resources/read")
        }
        listen = self._entry(server, "subscriptions/listen")
        assert isinstance(listen, ListenHandler)
        self._publish = listen._bus.publish  # pyright: ignore[reportPrivateUsage] - the bus that clients listen to

    @staticmethod
    def _entry(server: ColonnadeServer, method: str) -> Callable[[Context, Any], Awaitable[Any]]:
        entry = server.get_request_handler(method)
        assert entry is not None, method
        return entry.handler

    async def list_tools(self, context: Context, params: types.PaginatedRequestParams) -> types.ListToolsResult:
        ours: types.ListToolsResult = await self._ours["tools/list"](context, params)
        return types.ListToolsResult(tools=[*ours.tools, *(each.tool for each in FIXTURES.values())])

    async def call_tool(self, context: Context, params: types.CallToolRequestParams) -> Answer:
        found = FIXTURES.get(params.name)
        if found is None:
            return await self._ours["tools/call"](context, params)
        return await found.run(Call(context, params, self._publish))

    async def list_resources(self, context: Context, params: types.PaginatedRequestParams) -> types.ListResourcesResult:
        ours: types.ListResourcesResult = await self._ours["resources/list"](context, params)
        added = [types.Resource(uri=f"test://{name}", name=name, mime_type=mime) for name, mime in RESOURCES.items()]
        return types.ListResourcesResult(resources=[*ours.resources, *added], next_cursor=ours.next_cursor)

    async def list_templates(
        self, context: Context, params: types.PaginatedRequestParams
    ) -> types.ListResourceTemplatesResult:
        ours: types.ListResourceTemplatesResult = await self._ours["resources/templates/list"](context, params)
        return types.ListResourceTemplatesResult(resource_templates=[*ours.resource_templates, TEMPLATE])

    async def read_resource(
        self, context: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        found = resource(str(params.uri))
        if found is None:
            return await self._ours["resources/read"](context, params)
        return types.ReadResourceResult(contents=[found])


def mount(server: ColonnadeServer) -> None:
    """Put the fixtures before the handlers of a server."""
    mounted = Mounted(server)
    server.add_request_handler("tools/list", types.PaginatedRequestParams, mounted.list_tools)
    server.add_request_handler("tools/call", types.CallToolRequestParams, mounted.call_tool)
    server.add_request_handler("resources/list", types.PaginatedRequestParams, mounted.list_resources)
    server.add_request_handler("resources/templates/list", types.PaginatedRequestParams, mounted.list_templates)
    server.add_request_handler("resources/read", types.ReadResourceRequestParams, mounted.read_resource)
    server.add_request_handler("resources/subscribe", types.SubscribeRequestParams, accept)
    server.add_request_handler("resources/unsubscribe", types.UnsubscribeRequestParams, accept)
    server.add_request_handler("prompts/list", types.PaginatedRequestParams, list_prompts)
    server.add_request_handler("prompts/get", types.GetPromptRequestParams, get_prompt)
    server.add_request_handler("logging/setLevel", types.SetLevelRequestParams, accept)
    security = RequestStateSecurity(keys=[STATE_KEY])
    server.middleware.append(RequestStateBoundary(security, default_audience=server.name))
    ours = server.get_tool_input_schema
    assert ours is not None

    def input_schema(name: str) -> Mapping[str, Any] | None:
        found = FIXTURES.get(name)
        return ours(name) if found is None else found.tool.input_schema

    server.get_tool_input_schema = input_schema

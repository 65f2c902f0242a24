"""fakesnow's HTTP server with what it lacks, run by a Python of its own: python snowflake_server.py PORT PASSWORD.

fakesnow 0.12.1 runs SQL on DuckDB. Added here, after Snowflake's protocol: logins with a password or a key pair and a
role that may only read, databases that do not exist, statements that run on their own, can be waited for and aborted,
ROWS_PER_RESULTSET, one statement a request, SHOW … KEYS IN DATABASE, a session that dies, and counts for tests.
"""
# ruff: noqa: ANN401 - ASGI and fakesnow have no types
# It runs where neither this repository nor its types are.
# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false

import asyncio
import base64
import gzip
import hashlib
import json
import os
import re
import sys
import threading
import uuid
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

import fakesnow.server  # noqa: F401 - by its name among the modules: the package has a function of this name
import jwt
import uvicorn
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

fake: Any = sys.modules["fakesnow.server"]

LOGIN = {
    "masterToken": "master",
    "validityInSeconds": 3600,
    "masterValidityInSeconds": 14400,
    "sessionId": 1,
    "displayUserName": "FAKE",
    "firstLogin": False,
    "remMeToken": None,
    "healthCheckInterval": 45,
    "idToken": None,
}
WRITING = re.compile(r"\s*(insert|update|delete|merge|create|alter|drop|truncate|comment|commit)\b", re.IGNORECASE)
COMMENT = re.compile(r"\s*comment on column\b", re.IGNORECASE)
QUERY = re.compile(r"\s*(select|with|\()", re.IGNORECASE)
SHOW = re.compile(r"\s*show (tables|primary keys|unique keys|imported keys) in database \"(\w+)\"", re.IGNORECASE)
TABLES = """
select schema_name, table_name as name, 'TABLE' as kind, coalesce(told.comment, '') as comment,
  estimated_size as rows, 'N' as is_external, 'N' as is_dynamic
from duckdb_tables() left join _fs_global._fs_information_schema._fs_tables_ext told
  on told.ext_table_catalog = database_name and told.ext_table_schema = schema_name and told.ext_table_name = table_name
where database_name = '{database}' and schema_name <> '_fs_information_schema' order by all
"""
PRIMARY = """
select '' as created_on, database_name, schema_name, table_name, unnest(constraint_column_names) as column_name,
  generate_subscripts(constraint_column_names, 1) as key_sequence, constraint_name, 'false' as rely, '' as comment
from duckdb_constraints() where constraint_type = '{kind}' and database_name = '{database}'
"""
IMPORTED = """
select '' as created_on, database_name as pk_database_name, schema_name as pk_schema_name,
  referenced_table as pk_table_name, unnest(referenced_column_names) as pk_column_name,
  database_name as fk_database_name, schema_name as fk_schema_name, table_name as fk_table_name,
  unnest(constraint_column_names) as fk_column_name,
  generate_subscripts(constraint_column_names, 1) as key_sequence, constraint_name as fk_name
from duckdb_constraints() where constraint_type = 'FOREIGN KEY' and database_name = '{database}'
"""

PASSWORDS: dict[str, str] = dict.fromkeys(("READER", "OWNER", "ADMIN"), sys.argv[2])
KEYS: dict[str, str] = {}
"""Public key by user, as PEM text."""
USERS: dict[str, str] = {}
"""User by token."""
RUNNING: dict[str, "Query"] = {}
DONE: dict[str, "Query"] = {}
"""Those that have run, and those that do."""
ASKED = {"logins": 0, "questions": 0, "aborts": 0}
"""How often a login came, the question for the state of a statement, and an abort."""
MUTE: list[str] = []
"""Questions to be answered with a failure."""
SLOW = re.compile(r"/\* (submitted|runs|fetched) for ([\d.]+) s \*/")
"""What a statement may say about itself."""


class Capped:
    """A DuckDB connection that fetches no more rows than it was asked for."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.most = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, sql: str, *parameters: Any) -> Any:
        if self.most and QUERY.match(sql):
            sql = f"select * from ({sql}) limit {self.most}"
        return self._connection.execute(sql, *parameters)


class Query:
    """A statement that runs, or has run."""

    def __init__(self, token: str, request: str, headers: Any, body: dict[str, Any]) -> None:
        self.id = str(uuid.uuid4())
        self.token = token
        self.request = request
        self.text: str = body["sqlText"]
        self.alone: bool = body.get("asyncExec", False)
        self.aborted = asyncio.Event()
        RUNNING[self.id] = DONE[self.id] = self
        self.task = asyncio.ensure_future(self._run(headers, body))

    async def lasts(self, what: str) -> None:
        for named, seconds in SLOW.findall(self.text):
            if named == what:
                with suppress(TimeoutError):
                    await asyncio.wait_for(
                        self.aborted.wait() if what == "runs" else asyncio.Event().wait(), float(seconds)
                    )

    async def _run(self, headers: Any, body: dict[str, Any]) -> dict[str, Any]:
        try:
            await self.lasts("runs")
            answer = self._refused() or await self._answer(headers, body)
            if self.aborted.is_set():
                answer = failure("000604", "57014", "SQL execution canceled")
            elif COMMENT.match(self.text) and not answer["success"]:
                answer = listed(fake.sessions[self.token], "select 'done' as status")  # it did, and fails to tell
            if answer.get("data"):
                answer["data"]["queryId"] = self.id
            return answer
        finally:
            RUNNING.pop(self.id)

    def _refused(self) -> dict[str, Any] | None:
        if ";" in self.text.rstrip().rstrip(";"):
            return failure("000008", "0A000", "Actual statement count 2 did not match the desired statement count 1.")
        if USERS[self.token] == "READER" and WRITING.match(self.text):
            return failure("003001", "42501", "SQL access control error:\nInsufficient privileges to operate on it")
        return None

    async def _answer(self, headers: Any, body: dict[str, Any]) -> dict[str, Any]:
        connection = fake.sessions[self.token]
        if show := SHOW.match(self.text):
            return shown(connection, show[1].upper(), show[2])
        if connection.database is None and "current_database" in self.text:
            return listed(connection, 'select null as "DATABASE", null as "SCHEMA"')
        capped = connection._duck_conn
        most = int(body.get("parameters", {}).get("ROWS_PER_RESULTSET", 0))
        capped.most = most if QUERY.match(self.text) else 0
        body = {**body, "asyncExec": False}
        return await through("/queries/v1/query-request", headers, body)

    def abort(self) -> None:
        self.aborted.set()
        if self.token in fake.sessions:
            fake.sessions[self.token]._duck_conn.interrupt()


def shown(connection: Any, what: str, database: str) -> dict[str, Any]:
    sql = {"TABLES": TABLES, "IMPORTED KEYS": IMPORTED}.get(what, PRIMARY)
    kind = "PRIMARY KEY" if what == "PRIMARY KEYS" else "UNIQUE"
    return listed(connection, sql.format(kind=kind, database=database))


def listed(connection: Any, sql: str) -> dict[str, Any]:
    """Answer as Snowflake does to SHOW: all of it texts, as JSON."""
    cursor = connection._duck_conn.cursor()
    found = cursor.execute(sql)
    names = [column[0] for column in found.description]
    rows = [[None if cell is None else str(cell) for cell in row] for row in found.fetchall()]
    cursor.close()
    rowtype = [{"name": name, "type": "text", "length": 16777216, "nullable": True} for name in names]
    data = {"rowtype": rowtype, "rowset": rows, "total": len(rows), "returned": len(rows)}
    return {"data": {**data, "queryResultFormat": "json", "statementTypeId": 0x4400}, "success": True, "code": None}


def failure(code: str, state: str, message: str) -> dict[str, Any]:
    return {"data": {"errorCode": code, "sqlState": state}, "code": code, "message": message, "success": False}


async def through(path: str, headers: Any, body: dict[str, Any], query: bytes = b"") -> dict[str, Any]:
    """Ask fakesnow itself."""
    raw = json.dumps(body).encode()
    kept = [pair for pair in headers if pair[0] not in (b"content-encoding", b"content-length")]
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": query}
    scope |= {"headers": kept, "http_version": "1.1", "scheme": "http", "root_path": "", "server": ("127.0.0.1", 0)}
    chunks: list[bytes] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": raw, "more_body": False}

    async def send(message: Any) -> None:
        chunks.append(message.get("body", b""))

    await fake.app(scope, receive, send)
    return json.loads(b"".join(chunks))


async def login(headers: Any, body: dict[str, Any], query: str) -> dict[str, Any]:
    user = str(body["data"].get("LOGIN_NAME", "")).upper()
    wanted = parse_qs(query)
    ASKED["logins"] += 1
    await asyncio.sleep(float(wanted.get("warehouse", ["0"])[0]))  # a warehouse that is named like a time
    if body["data"].get("AUTHENTICATOR") == "SNOWFLAKE_JWT":
        if not signed(body["data"], user):
            return failure("390144", "08001", "JWT token is invalid.")
    elif PASSWORDS.get(user) != body["data"].get("PASSWORD"):
        return failure("390100", "08001", "Incorrect username or password was specified.")
    parameters = body["data"]["SESSION_PARAMETERS"]
    parameters["AUTOCOMMIT"] = str(parameters.get("AUTOCOMMIT", "true")).lower() == "true"
    names = fake.shared_fs.duck_conn.cursor().execute("select database_name from duckdb_databases()").fetchall()
    there = (wanted.get("databaseName", [""])[0].upper(),) in names or user == "ADMIN"
    answer = await through("/session/v1/login-request", headers, body, query.encode() if there else b"")
    data = answer["data"]
    for name, value in LOGIN.items():
        data.setdefault(name, value)
    data["sessionInfo"] |= {"warehouseName": None, "roleName": user}
    data["parameters"].append({"name": "TIMEZONE", "value": "UTC"})
    session = fake.sessions[data["token"]]
    session._duck_conn = Capped(session._duck_conn)
    USERS[data["token"]] = user
    return answer


def signed(data: dict[str, Any], user: str) -> bool:
    """Check a token as Snowflake does: its issuer names the account, the user and the key that it is signed with."""
    if user not in KEYS:
        return False
    key: Any = load_pem_public_key(KEYS[user].encode())
    fingerprint = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    subject = f"{data['ACCOUNT_NAME'].upper()}.{user}"
    issuer = f"{subject}.SHA256:{base64.b64encode(fingerprint).decode()}"
    try:
        claims = jwt.decode(data["TOKEN"], key, ["RS256"], issuer=issuer, options={"require": ["exp", "iat"]})
    except jwt.InvalidTokenError:
        return False
    return claims["sub"] == subject


def leave(token: str, *, killed: bool = False) -> None:
    """Forget a session; at a logout, statements that were submitted to run on their own may go on."""
    for query in list(RUNNING.values()):
        if query.token == token and (killed or not query.alone):
            query.abort()
    fake.sessions.pop(token, None)
    USERS.pop(token, None)


def status(identifier: str) -> dict[str, Any]:
    if identifier in RUNNING:
        return {"id": identifier, "status": "ABORTING" if RUNNING[identifier].aborted.is_set() else "RUNNING"}
    answer = DONE[identifier].task.result()
    if answer["success"]:
        return {"id": identifier, "status": "SUCCESS"}
    told = {"errorCode": int(answer["code"]), "errorMessage": answer["message"]}
    return {"id": identifier, "status": "ABORTED" if DONE[identifier].aborted.is_set() else "FAILED_WITH_ERROR", **told}


def progress(query: Query) -> dict[str, Any]:
    data = {"queryId": query.id, "getResultUrl": f"/queries/{query.id}/result", "queryAbortsAfterSecs": 300}
    return {"data": data, "code": "333334", "message": "Query execution in progress.", "success": True}


async def control(action: str, body: dict[str, Any]) -> dict[str, Any]:
    if action == "key":
        KEYS.update(body)
    if action == "mute":
        MUTE.append("status")
    if action == "kill":
        for token in [token for token, user in USERS.items() if user != "ADMIN"]:
            leave(token, killed=True)
    sessions = [token for token, user in USERS.items() if user != "ADMIN"]
    running = sum(USERS.get(query.token) != "ADMIN" for query in RUNNING.values())
    return {**ASKED, "sessions": len(sessions), "running": running}


async def answer(  # noqa: C901, PLR0911, PLR0912 - one branch for each path of the protocol
    path: str, query: str, headers: Any, body: dict[str, Any]
) -> dict[str, Any]:
    token = dict(headers).get(b"authorization", b"").decode()[17:-1]
    parts = path.strip("/").split("/")
    if path.startswith("/control/"):
        return await control(parts[1], body)
    if path == "/session/v1/login-request":
        return await login(headers, body, query)
    if token not in fake.sessions:
        return {"data": None, "code": "390111", "message": "Session no longer exists.", "success": False}
    if path == "/session":
        leave(token)
    elif path == "/queries/v1/query-request":
        request = parse_qs(query)["requestId"][0]
        started = Query(token, request, headers, body)
        await started.lasts("submitted")
        return progress(started) if body.get("asyncExec") else await started.task
    elif path == "/queries/v1/abort-request":
        for found in list(RUNNING.values()):
            if found.request == body["requestId"]:
                found.abort()
    elif parts[0] == "queries" and parts[-1] == "abort-request":
        ASKED["aborts"] += 1
        if parts[1] in RUNNING:
            RUNNING[parts[1]].abort()
    elif parts[0] == "queries" and parts[-1] == "result":
        await DONE[parts[1]].lasts("fetched")
        return await DONE[parts[1]].task
    elif parts[0] == "monitoring":
        ASKED["questions"] += 1
        if MUTE:
            MUTE.pop()
            return failure("000261", "XX000", "Something failed inside.")
        return {"data": {"queries": [status(parts[-1])]}, "success": True}
    return {"data": None, "code": None, "message": None, "success": True}


async def app(scope: Any, receive: Any, send: Any) -> None:
    raw, more = b"", True
    while more:
        message = await receive()
        raw, more = raw + message.get("body", b""), message.get("more_body", False)
    if dict(scope["headers"]).get(b"content-encoding") == b"gzip":
        raw = gzip.decompress(raw)
    body = json.loads(raw) if raw else {}
    out = json.dumps(await answer(scope["path"], scope["query_string"].decode(), scope["headers"], body)).encode()
    kind = [(b"content-type", b"application/json"), (b"content-length", str(len(out)).encode())]
    await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": kind})
    await send({"type": "http.response.body", "body": out})


def end_with_the_tests() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=end_with_the_tests, daemon=True).start()
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", lifespan="off")

"""`$batch`: up to twenty requests in one, each judged and throttled by itself. "Combine multiple HTTP requests"."""

import base64
import json
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from tests.servers.graph import refusals
from tests.servers.graph.odata import Call, split_query
from tests.servers.graph.web import JSON, Answer

MOST_PARTS = 20
Judge = Callable[[Call], Answer]


def answer_batch(call: Call, judge: Judge) -> Answer:
    """Answer all parts; one that depends on a part that failed gets 424."""
    parts = _checked(call.json().get("requests"))
    statuses: dict[str, int] = {}
    written: list[str] = []
    for wave in _waves(parts, call.tenant.faults.batch_parallel):
        for part, answer in zip(wave, _answers(call, wave, statuses, judge), strict=True):
            statuses[str(part["id"])] = answer.status
            written.append(_written(str(part["id"]), answer))
    disordered = _disordered(call, written)
    return _half(call, disordered) if call.tenant.faults.batch_links else _whole(disordered)


def rest_of_batch(call: Call) -> Answer:
    """GET of a nextLink: what was still to come."""
    written = call.tenant.batches.pop(call.query.get("$skiptoken", ""), None)
    if written is None:
        raise refusals.bad_request("Invalid skiptoken.")
    return _half(call, written)


def _half(call: Call, written: list[str]) -> Answer:
    """Half of the responses, and where the others are."""
    half = (len(written) + 1) // 2
    if half == len(written):
        return _whole(written)
    token = str(uuid.uuid4())
    call.tenant.batches[token] = written[half:]
    return _whole(written[:half], f',"@odata.nextLink":{json.dumps(f"{call.base}/$batch?$skiptoken={token}")}')


def _whole(written: list[str], more: str = "") -> Answer:
    return Answer(200, ('{"responses":[' + ",".join(written) + "]" + more + "}").encode("utf-8", "replace"))


def _checked(parts: object) -> list[dict[str, Any]]:
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise refusals.bad_request("Invalid batch payload format.")
    if not 1 <= len(parts) <= MOST_PARTS:
        raise refusals.bad_request(f"Number of batch request steps exceeds the maximum value of {MOST_PARTS}.")
    ids = [str(part.get("id", "")).lower() for part in parts]
    if "" in ids or len(set(ids)) != len(ids):
        raise refusals.bad_request("Invalid batch payload: every request needs an id of its own.")
    for part in parts:
        if not isinstance(part.get("method"), str) or not isinstance(part.get("url"), str):
            raise refusals.bad_request("Invalid batch payload: a request lacks method or url.")
        if not isinstance(part.get("headers", {}), dict) or not isinstance(part.get("dependsOn", []), list):
            raise refusals.bad_request("Invalid batch payload: headers or dependsOn has the wrong type.")
        if any(str(name).lower() not in ids for name in part.get("dependsOn", [])):
            raise refusals.bad_request("Invalid batch payload: dependsOn names no request of this batch.")
    return parts


def _waves(parts: list[dict[str, Any]], width: int) -> list[list[dict[str, Any]]]:
    """Parts that may run side by side, `width` at most; those that depend on others come one by one after them."""
    free = [part for part in parts if not part.get("dependsOn")]
    bound = [part for part in parts if part.get("dependsOn")]
    return [*(free[at : at + width] for at in range(0, len(free), width)), *([part] for part in _sorted(free, bound))]


def _sorted(done: Sequence[dict[str, Any]], bound: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ready = {str(part["id"]).lower() for part in done}
    order: list[dict[str, Any]] = []
    while bound:
        able = [part for part in bound if all(str(name).lower() in ready for name in part["dependsOn"])]
        if not able:
            raise refusals.bad_request("Invalid batch payload: requests depend on one another in a circle.")
        order += able
        ready |= {str(part["id"]).lower() for part in able}
        bound = [part for part in bound if part not in able]
    return order


def _answers(call: Call, wave: Sequence[dict[str, Any]], statuses: dict[str, int], judge: Judge) -> Sequence[Answer]:
    if len(wave) == 1:
        return [_answer(call, wave[0], statuses, judge)]
    with ThreadPoolExecutor(len(wave)) as pool:
        return list(pool.map(lambda part: _answer(call, part, statuses, judge), wave))


def _answer(call: Call, part: dict[str, Any], statuses: dict[str, int], judge: Judge) -> Answer:
    failed = [name for name in part.get("dependsOn", []) if statuses.get(str(name), 200) >= 400]
    if failed:
        return refusals.Refuse(424, "FailedDependency", f"Request {failed[0]} failed.").answer()
    try:
        return judge(_call_of(call, part))
    except refusals.Refuse as refusal:
        return refusal.answer()


def _call_of(call: Call, part: dict[str, Any]) -> Call:
    path, _, query = str(part["url"]).partition("?")
    headers = {str(name).lower(): str(value) for name, value in (part.get("headers") or {}).items()}
    if "body" in part and "content-type" not in headers:
        raise refusals.bad_request("A request with a body must have a Content-Type header.")
    body = json.dumps(part["body"]).encode() if "body" in part else b""
    path = path if path.startswith("/") else f"/{path}"
    method = str(part["method"]).upper()
    return replace(call, method=method, path=path, query=split_query(query), headers=headers, body=body)


def _written(name: str, answer: Answer) -> str:
    """One response. The body goes in as it was written, or as base64 if it is no JSON."""
    headers = {**({"Content-Type": JSON} if answer.body else {}), **answer.headers}
    head = f'{{"id":{json.dumps(name)},"status":{answer.status},"headers":{json.dumps(headers)}'
    if not answer.body:
        return head + "}"
    if headers["Content-Type"] == JSON:
        return head + ',"body":' + answer.body.decode() + "}"
    return head + f',"body":"{base64.b64encode(answer.body).decode()}"}}'


def _disordered(call: Call, written: list[str]) -> list[str]:
    """Responses come in any order."""
    return call.tenant.faults.dice.sample(written, len(written))

"""A table of broken requests. Each gets its documented code, none changes anything, none is a server error."""

import json
import secrets
import time

import pytest
import raw
import requests
from support import PATIENCE_S, number, place, sdk


def body(server, **changed) -> bytes:
    """A good Native order as JSON text; `changed` replaces members, and removes those set to None."""
    members = {
        "appid": server.sandbox["appid"],
        "mchid": server.sandbox["mchid"],
        "description": "tea",
        "out_trade_no": number("bad"),
        "notify_url": "http://127.0.0.1:9/notify",
        "amount": {"total": 1, "currency": "CNY"},
        **changed,
    }
    return json.dumps({n: v for n, v in members.items() if v is not None}).encode()


def test_the_good_form_of_the_table_is_accepted(server):
    """Else every row below could be refused for a reason of its own."""
    assert raw.send(server, body(server)).status_code == 200


# Amounts: name, the JSON text of `amount`, the pointer the error names.
AMOUNTS = {
    "zero": ('{"total":0}', "/amount/total"),
    "negative": ('{"total":-1}', "/amount/total"),
    "fraction": ('{"total":1.5}', "/amount/total"),
    "whole written as a fraction": ('{"total":1.0}', "/amount/total"),
    "exponent": ('{"total":1e2}', "/amount/total"),
    "2^63": ('{"total":9223372036854775808}', "/amount/total"),
    "2^63 - 1": ('{"total":9223372036854775807}', "/amount/total"),
    "2^64 + 1": ('{"total":18446744073709551617}', "/amount/total"),
    "text": ('{"total":"1"}', "/amount/total"),
    "true": ('{"total":true}', "/amount/total"),
    "list": ('{"total":[1]}', "/amount/total"),
    "absent": ('{"currency":"CNY"}', "/amount/total"),
    "dollars": ('{"total":1,"currency":"USD"}', "/amount/currency"),
    "lower-case currency": ('{"total":1,"currency":"cny"}', "/amount/currency"),
    "currency as a number": ('{"total":1,"currency":156}', "/amount/currency"),
    "amount as a number": ("1", "/amount"),
    "amount as a list": ("[]", "/amount"),
}


@pytest.mark.parametrize("name", AMOUNTS)
def test_an_amount_that_is_none_is_refused_and_named(server, name):
    text, pointer = AMOUNTS[name]
    mine = number("bad")
    good = body(server, out_trade_no=mine, amount="HERE")
    answer = raw.send(server, good.replace(b'"HERE"', text.encode()))
    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR"), answer.text
    assert answer.json()["detail"]["field"] == pointer
    assert sdk(server).query(out_trade_no=mine)[0] == 404, "a refused order must not exist"


@pytest.mark.parametrize("member", ["appid", "mchid", "description", "out_trade_no", "notify_url", "amount"])
def test_a_member_that_is_missing_is_named(server, member):
    answer = raw.send(server, body(server, **{member: None}))
    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR"), answer.text
    assert answer.json()["detail"]["field"] == f"/{member}"


BODIES = {
    "empty": b"",
    "not JSON": b"out_trade_no=1&total=1",
    "half an object": b'{"appid":"wx',
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "two objects": b"{}{}",
    "not UTF-8": b'{"appid":"\xff\xfe"}',
    "a lone surrogate": b'{"appid":"\\ud800"}',
    "a null byte": b'{"appid":"\\u0000"}',
    "too deep": b'{"a":' * 200 + b"1" + b"}" * 200,
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_no_order_is_a_parameter_error(server, name):
    answer = raw.send(server, BODIES[name])
    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR"), answer.text


def test_a_member_given_twice_is_refused(server):
    """Two readers could disagree on which of the two counts."""
    mine = number("twice")
    twice = body(server, out_trade_no=mine).replace(b'"amount":', b'"amount":{"total":999},"amount":')
    answer = raw.send(server, twice)
    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR"), answer.text
    assert sdk(server).query(out_trade_no=mine)[0] == 404


def test_unknown_members_are_tolerated(server):
    answer = raw.send(server, body(server, colour="jade", nested={"a": [1, None]}))
    assert answer.status_code == 200, answer.text


def test_a_body_beyond_any_order_is_refused_before_it_is_read(server):
    answer = raw.send(server, body(server, attach="x" * (8 * 1024 * 1024)))
    assert answer.status_code in (400, 413), answer.text


# Authorization headers: name, how it is made from the server, the good body and a good header.
HEADERS = {
    "absent": lambda good: "",
    "empty scheme": lambda good: good.partition(" ")[2],
    "another scheme": lambda good: "Bearer " + good.partition(" ")[2],
    "scheme alone": lambda good: good.partition(" ")[0],
    "no quotes": lambda good: good.replace('"', ""),
    "a quote left open": lambda good: good[:-1],
    "a parameter twice": lambda good: good + ',mchid="1"',
    "an unknown parameter only": lambda good: good.partition(" ")[0] + ' colour="jade"',
    "semicolons": lambda good: good.replace(",", ";"),
    "cut in half": lambda good: good[: len(good) // 2],
    "ten thousand commas": lambda good: good + "," * 10_000,
    "control characters": lambda good: good.replace("nonce_str", "nonce\tstr"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_that_is_none_is_a_signature_error(server, name):
    mine = number("head")
    text = body(server, out_trade_no=mine)
    good = raw.authorization(server, "POST", raw.NATIVE, text)
    answer = raw.send(server, text, header=HEADERS[name](good))
    assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_ERROR"), answer.text
    assert sdk(server).query(out_trade_no=mine)[0] == 404


PARAMETERS = {
    "no mchid": {"mchid": None},
    "empty mchid": {"mchid": ""},
    "unknown mchid": {"mchid": "1900000999"},
    "no nonce": {"nonce_str": None},
    "empty nonce": {"nonce_str": ""},
    "nonce of 33": {"nonce_str": "n" * 33},
    "no timestamp": {"timestamp": None},
    "timestamp in words": {"timestamp": "now"},
    "negative timestamp": {"timestamp": "-1"},
    "timestamp of 2^63": {"timestamp": "9223372036854775808"},
    "timestamp in milliseconds": {"timestamp": str(int(time.time() * 1000))},
    "no serial": {"serial_no": None},
    "unknown serial": {"serial_no": "7" * 40},
    "serial that is no hex": {"serial_no": "not hexadecimal"},
    "no signature": {"signature": None},
    "empty signature": {"signature": ""},
    "signature that is no Base64": {"signature": "!" * 344},
    "short signature": {"signature": "AAAA"},
    "a signature for tests": {"signature": "WECHATPAY/SIGNTEST/" + "A" * 325},
    "the signature of nothing": {"signature": "A" * 342 + "=="},
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_of_the_header_that_is_wrong_is_a_signature_error(server, name):
    answer = raw.send(server, body(server), **PARAMETERS[name])
    assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_ERROR"), answer.text


def test_a_body_changed_after_signing_is_refused(server):
    mine = number("changed")
    signed = body(server, out_trade_no=mine)
    header = raw.authorization(server, "POST", raw.NATIVE, signed)
    answer = raw.send(server, signed.replace(b'"total": 1', b'"total": 2'), header=header)
    assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_ERROR")
    assert sdk(server).query(out_trade_no=mine)[0] == 404


def test_a_signature_for_one_target_is_none_for_another(server):
    text = body(server)
    header = raw.authorization(server, "POST", "/v3/pay/transactions/app", text)
    assert raw.send(server, text, header=header).status_code == 401
    header = raw.authorization(server, "PUT", raw.NATIVE, text)
    assert raw.send(server, text, header=header).status_code == 401


def test_a_nonce_is_not_taken_twice_for_different_bodies_but_a_repeat_is(server):
    """Proxies repeat requests byte for byte; an attacker wants another body under an old nonce (wire §1.4)."""
    fixed = {"nonce_str": secrets.token_hex(16), "timestamp": str(int(time.time()))}
    first, second = body(server), body(server)
    assert raw.send(server, first, **fixed).status_code == 200
    assert raw.send(server, first, **fixed).status_code == 200
    answer = raw.send(server, second, **fixed)
    assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_ERROR"), answer.text


QUERIES = {
    "no mchid": "",
    "empty mchid": "?mchid=",
    "mchid in words": "?mchid=me",
    "mchid twice": "?mchid=1&mchid=2",
    "bad percent": "?mchid=%zz",
    "half a percent": "?mchid=%",
    "null byte": "?mchid=%00",
    "very long": "?mchid=" + "1" * 4000,
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_that_is_none_is_refused(server, name):
    target = "/v3/pay/transactions/out-trade-no/SDK_0000000000" + QUERIES[name]
    header = raw.authorization(server, "GET", target, b"")
    answer = raw.send(server, b"", method="GET", target=target, header=header)
    assert answer.status_code in (400, 401, 403, 404, 414), answer.text
    assert answer.json()["code"] in ("PARAM_ERROR", "SIGN_ERROR", "NO_AUTH", "INVALID_REQUEST", "MCH_NOT_EXISTS",
                                     "ORDER_NOT_EXIST")


def test_the_order_of_another_merchant_is_not_shown(server):
    mine = number("mine")
    place(sdk(server), mine)
    target = f"/v3/pay/transactions/out-trade-no/{mine}?mchid=1900000999"
    answer = raw.send(server, b"", method="GET", target=target)
    assert answer.status_code in (400, 403, 404), answer.text


def test_a_method_the_address_does_not_take_is_refused(server):
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        answer = raw.send(server, b"", method=method)
        assert answer.status_code in (404, 405), method


def test_sandbox_routes_refuse_what_they_do_not_understand(server):
    for path in ("/sandbox/v1/payments", "/sandbox/v1/payment-codes"):
        for text in (b"", b"{}", b"[]", b'{"openid":1}', b'{"openid":"nobody"}', b"\xff"):
            answer = requests.post(server.base_url + path, data=text, timeout=PATIENCE_S,
                                   headers={"Content-Type": "application/json"})
            assert 400 <= answer.status_code < 500, (path, text, answer.text)


def test_after_all_of_this_the_books_balance(server):
    server.must_prove()
    assert requests.get(f"{server.base_url}/healthz", timeout=PATIENCE_S).status_code == 200

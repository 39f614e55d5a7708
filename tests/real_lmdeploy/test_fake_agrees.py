"""The fake server of the unit tests and LMDeploy's real one answer the same, byte for byte but for ids and clocks."""

import json
import os

import httpx
import pytest
from lmdeploy_behaviours import FILE, REQUESTS, normal, recorded


@pytest.mark.skipif(bool(os.environ.get("LMDEPLOY_RECORD")), reason="is being recorded")
@pytest.mark.parametrize("name", REQUESTS)
def test_the_fake_answers_as_the_real_server_does(name: str, direct: str, proxy: str) -> None:
    assert answer(name, {"direct": direct, "proxy": proxy}) == recorded()[name]


@pytest.mark.skipif(not os.environ.get("LMDEPLOY_RECORD"), reason="only with LMDEPLOY_RECORD=1")
def test_record(direct: str, proxy: str) -> None:
    answers = {name: answer(name, {"direct": direct, "proxy": proxy}) for name in REQUESTS}
    FILE.write_text(json.dumps(answers, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def answer(name: str, urls: dict[str, str]) -> dict[str, object]:
    way, path, body = REQUESTS[name]
    got = httpx.post(urls[way] + path, json=body, timeout=60, trust_env=False)
    media = got.headers.get("content-type", "").partition(";")[0]
    return {"status": got.status_code, "type": media, "text": normal(got.text)}

"""Validate an unpacked RO-Crate with the profiles' own validator, in that validator's environment and without network.

    python validate_crate.py CRATE PROFILE [REQUIRED | RECOMMENDED]

prints as JSON how many checks passed and what was found wrong.
"""

import io
import json
import sys
import tempfile
from pathlib import Path

from requests.adapters import HTTPAdapter
from requests_cache import CachedSession
from rocrate_validator import services
from rocrate_validator.models import ValidationSettings
from urllib3 import HTTPResponse

DATA = Path(__file__).parents[1] / "data" / "rocrate"
CONTEXTS = {
    "https://w3id.org/ro/crate/1.1/context": DATA / "ro-crate-1.1-context.jsonld",
    "https://w3id.org/ro/terms/workflow-run/context": DATA / "workflow-run-context.jsonld",
}


class Files(HTTPAdapter):
    """Answers requests for the contexts from their copies; there is nothing else."""

    def send(self, request, **_):
        body = io.BytesIO(CONTEXTS[request.url].read_bytes())
        headers = {"Content-Type": "application/ld+json"}
        answer = HTTPResponse(body, headers, 200, preload_content=False, request_url=request.url)
        return self.build_response(request, answer)


def validate(crate: str, profile: str, severity: str) -> dict:
    """Return how many checks passed, and the issues: check, message and entity."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "http"
        with CachedSession(str(cache), backend="sqlite", expire_after=-1) as session:
            session.mount("https://", Files())
            for url in CONTEXTS:
                session.get(url)
        settings = ValidationSettings(
            rocrate_uri=crate, profile_identifier=profile, requirement_severity=severity, cache_path=cache, offline=True,
        )  # fmt: skip
        result = services.validate(settings)
        issues = [
            [i.check.identifier, i.check.severity.name, i.message, i.violatingEntity]
            for i in result.get_issues()
        ]
        return {"passed": len(result.executed_checks) - len(result.failed_checks), "issues": issues}


if __name__ == "__main__":
    print(json.dumps(validate(sys.argv[1], sys.argv[2], (sys.argv[3:] or ["REQUIRED"])[0])))

"""What was promised of events and of the API: ``python tests/web/golden_schemas.py`` writes what is promised by now.

A test compares the two. It is written anew where something was added; what breaks a promise is put right, not written.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from support.compatibility import resolved

GOLDEN = Path(__file__).parent / "golden"
EVENT_TYPES, OPENAPI = GOLDEN / "event-types.json", GOLDEN / "api.json"


def event_types() -> dict[str, Any]:
    """Each type with the schema of its events."""
    from publisher.model.envelope import EVENT_KINDS

    found = {}
    for name, kind in EVENT_KINDS.items():
        whole, thin = kind.json_schema(), kind.thin_schema()
        found[name] = {
            "version": kind.version,
            "answered": bare(resolved(whole, whole)),
            "thin": bare(resolved(thin, thin)),
        }
    return found


def operations() -> dict[str, Any]:
    """Each operation with its parameters, its body, and the bodies of its answers."""
    from publisher.web.api.described.document import document
    from publisher.web.app import make_app

    # Its routes alone are looked at, so it needs no services.
    made = bare(document(make_app(None), "https://news.example", "News"))  # type: ignore[arg-type]
    found = {}
    for path, methods in made["paths"].items():
        for method, one in methods.items():
            content = one.get("requestBody", {}).get("content", {})
            found[f"{method.upper()} {path}"] = {
                "parameters": {
                    f"{parameter['name']} in {parameter['in']}": parameter["schema"] for parameter in one["parameters"]
                },
                "taken": {media: resolved(said["schema"], made) for media, said in content.items()},
                "answered": {
                    f"{status} {media}": resolved(said["schema"], made)
                    for status, answer in one["responses"].items()
                    for media, said in answer.get("content", {}).items()
                    if int(status) < 400
                },
                "statuses": sorted(status for status in one["responses"] if int(status) < 400),
            }
    return found


def bare(schema: Any) -> Any:
    """The schema without words, which may change at any time."""
    if isinstance(schema, list):
        return [bare(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    words = ("description", "title")
    return {key: bare(one) for key, one in schema.items() if key not in words or not isinstance(one, str)}


def read(path: Path) -> Any:
    """What was promised."""
    return json.loads(path.read_text())


def main() -> None:
    """Write what is promised by now."""
    GOLDEN.mkdir(exist_ok=True)
    for path, found in ((EVENT_TYPES, event_types()), (OPENAPI, operations())):
        path.write_text(json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()

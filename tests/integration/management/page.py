"""The examples of the page that `/api/admin/flows` follows (seed 001), as it shows them."""

from libs.common.flow.model import Json

MFA_LOGIN_GRAPH: Json = {
    "nodes": [
        {"id": "start", "type": "start", "position": {"x": 0, "y": 0}},
        {
            "id": "identifier",
            "type": "identifier_input",
            "config": {"identifier_types": ["email", "username"]},
            "position": {"x": 200, "y": 0},
        },
        {"id": "password", "type": "password_input", "position": {"x": 400, "y": 0}},
        {
            "id": "mfa_check",
            "type": "condition",
            "config": {"condition": "user.mfa_enabled"},
            "position": {"x": 600, "y": 0},
        },
        {
            "id": "mfa_verify",
            "type": "mfa_verification",
            "config": {"methods": ["totp", "sms"]},
            "position": {"x": 800, "y": -100},
        },
        {"id": "success", "type": "success", "position": {"x": 1000, "y": 0}},
    ],
    "edges": [
        {"source": "start", "target": "identifier"},
        {"source": "identifier", "target": "password"},
        {"source": "password", "target": "mfa_check"},
        {"source": "mfa_check", "target": "mfa_verify", "condition": "true"},
        {"source": "mfa_check", "target": "success", "condition": "false"},
        {"source": "mfa_verify", "target": "success"},
    ],
}
DETAILS: Json = {
    "id": "flow_login_mfa",
    "name": "mfa-login",
    "display_name": "MFA Login Flow",
    "description": "Flow with MFA verification after password authentication",
    "type": "login",
    "status": "active",
    "version": 1,
    "graph": MFA_LOGIN_GRAPH,
    "compiled": True,
    "compiled_at": 1705968000,
    "created_at": 1705968000,
    "updated_at": 1705968000,
}
LIST: Json = {
    "items": [
        {
            "id": "flow_login_default",
            "name": "default-login",
            "display_name": "Default Login Flow",
            "type": "login",
            "status": "active",
            "version": 3,
            "created_at": 1705881600,
            "updated_at": 1706054400,
        },
        {
            "id": "flow_login_mfa",
            "name": "mfa-login",
            "display_name": "MFA Login Flow",
            "type": "login",
            "status": "active",
            "version": 1,
            "created_at": 1705968000,
            "updated_at": 1705968000,
        },
    ],
    "total": 5,
    "cursor": None,
}
CREATE: Json = {
    "name": "social-login",
    "display_name": "Social Login Flow",
    "description": "Login using social providers",
    "type": "login",
    "graph": {
        "nodes": [
            {"id": "start", "type": "start"},
            {
                "id": "provider_select",
                "type": "social_provider_select",
                "config": {"providers": ["google", "github"]},
            },
            {"id": "success", "type": "success"},
        ],
        "edges": [
            {"source": "start", "target": "provider_select"},
            {"source": "provider_select", "target": "success"},
        ],
    },
}
CREATED: Json = {
    "id": "flow_social_login",
    "name": "social-login",
    "display_name": "Social Login Flow",
    "type": "login",
    "status": "draft",
    "version": 1,
    "compiled": False,
    "created_at": 1706140800,
}
UPDATE: Json = {
    "display_name": "Social Login Flow (Updated)",
    "graph": {
        "nodes": [
            {"id": "start", "type": "start"},
            {
                "id": "provider_select",
                "type": "social_provider_select",
                "config": {"providers": ["google", "github", "apple"]},
            },
            {"id": "success", "type": "success"},
        ],
        "edges": [
            {"source": "start", "target": "provider_select"},
            {"source": "provider_select", "target": "success"},
        ],
    },
}
VALID: Json = {
    "valid": True,
    "warnings": [
        {
            "code": "unused_node",
            "message": "Node 'fallback' is unreachable",
            "node_id": "fallback",
        }
    ],
}
INVALID: Json = {
    "valid": False,
    "errors": [
        {"code": "missing_start_node", "message": "Flow is missing a start node"},
        {"code": "unreachable_success", "message": "No path to success node"},
        {
            "code": "invalid_edge",
            "message": "Edge 'password->mfa' target node does not exist",
            "edge": {"source": "password", "target": "mfa"},
        },
    ],
}
COMPILED: Json = {
    "id": "flow_social_login",
    "compiled": True,
    "compiled_at": 1706227200,
    "version": 2,
}
ACTIVATED: Json = {"id": "flow_social_login", "status": "active", "activated_at": 1706313600}
DEACTIVATED: Json = {
    "id": "flow_social_login",
    "status": "inactive",
    "deactivated_at": 1706400000,
}


def shape(value: Json) -> object:
    """Return fields in their order, with types in place of values: what a client decodes by."""
    match value:
        case dict():
            return [(name, shape(part)) for name, part in value.items()]
        case list():
            return [shape(part) for part in value]
        case _:
            return type(value).__name__

"""A sign-in and a sign-up, and trigger flows at their points."""

from __future__ import annotations

from libs.common.flow.model import Flow, TriggerPoint
from tests.walks import (
    ALICE,
    Walk,
    asks,
    checks,
    flow,
    library,
    login,
    node,
    program,
    sets,
    trigger,
)
from tests.worlds import PASSWORD, World

LOGIN = TriggerPoint.POST_LOGIN
BEFORE = TriggerPoint.PRE_USER_REGISTRATION
AFTER = TriggerPoint.POST_USER_REGISTRATION
CHANGED = TriggerPoint.POST_CHANGE_PASSWORD
EXCHANGE = TriggerPoint.CREDENTIALS_EXCHANGE

SIGN_IN = login("sign-in", "start > who > password > done")
SIGN_UP = flow(
    "sign-up", "start > ask > write > done", ask=asks("email", "password"), write=node("user_write")
)
SASHA = {"email": "sasha@example.com", "password": "correct horse"}


def notes(name: str, point: TriggerPoint) -> Flow:
    """A trigger that leaves word that it ran."""
    return trigger(name, point, "start > note > done", note=sets(name))


def refuses(name: str, point: TriggerPoint) -> Flow:
    """A trigger that halts what it runs in, and says so in its own words."""
    return trigger(
        name,
        point,
        "start > check",
        "check:true > no",
        "check:false > done",
        check=checks("true"),
        no=node("failure", message="Not now", redirect="/later"),
    )


def signed_in(*triggers: Flow, made: Flow = SIGN_IN) -> Walk:
    walk = Walk(program(made, library(*triggers)), World(alice={"email": ALICE}))
    walk.sends(email=ALICE)
    walk.sends(password=PASSWORD)
    return walk


def signed_up(*triggers: Flow, made: Flow = SIGN_UP) -> Walk:
    walk = Walk(program(made, library(*triggers)), World())
    walk.sends(**SASHA)
    return walk


def hooks(walk: Walk) -> list[str]:
    """The triggers whose note the last turn left, and the steps of the flow itself, in order."""
    return [
        each.node.removesuffix("/note")
        for each in walk.turn.path
        if "/" not in each.node or each.node.endswith("/note")
    ]

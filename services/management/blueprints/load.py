"""Reads the flows of a blueprint, and says what of it could not be carried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from libs.common.errors import Invalid, Problem
from libs.common.flow.model import (
    AnySlug,
    Authentication,
    DeniedAction,
    FlowType,
    Graph,
    Json,
    Policy,
    Settings,
)
from libs.common.flow.node import NodeTypes
from libs.common.misfit import misfits
from services.management.blueprints.drawing import bound_stages, draw
from services.management.blueprints.entries import (
    BINDING_MODEL,
    POLICY_BINDING_MODEL,
    Blueprint,
    Entry,
    open_blueprint,
)
from services.management.blueprints.extension import EXTENSION, read_extension
from services.management.blueprints.loaded import Loaded, LoadedFlow
from services.management.blueprints.policies import Gate, Policies, untranslated
from services.management.blueprints.prompts import PROMPT_MODEL, inputs_of
from services.management.blueprints.reading import read
from services.management.blueprints.stages import Around, is_stage
from services.management.blueprints.tags import FLOW_MODEL, Outside
from services.management.designations import TYPE_OF
from services.management.records import Look

LONGEST_TITLE: Final = 200


def load_blueprint(data: bytes, outside: Outside, types: NodeTypes) -> Loaded:
    """Read a blueprint, or raise `Invalid` for a file that authentik would refuse as well."""
    blueprint = open_blueprint(read(data), outside)
    policies = Policies(blueprint, inputs_of(blueprint))
    bound = bound_stages(blueprint)
    reader = _Reader(blueprint, policies)
    flows: list[LoadedFlow] = []
    for entry in blueprint.of(FLOW_MODEL):
        read_one = reader.flow(entry)
        if read_one is None:
            continue
        stages = bound.get(entry.index, [])
        extension = entry.fields.get(EXTENSION)
        if extension is None:
            around = Around(read_one.settings, policies)
            graph = draw(blueprint, stages, around, types)
            flows.append(msgspec.structs.replace(read_one, graph=graph))
        else:
            for each in (entry, *(place.binding for place in stages)):
                blueprint.use_all(each)
            flows.append(read_extension(read_one, extension))
    if reader.problems:
        raise Invalid("the blueprint is not as expected", tuple(reader.problems))
    _note_unused(blueprint)
    return Loaded(tuple(flows), blueprint.report())


class _Reader:
    def __init__(self, blueprint: Blueprint, policies: Policies) -> None:
        self.problems: list[Problem] = []
        self._blueprint = blueprint
        self._policies = policies
        self._names: set[str] = set()

    def flow(self, entry: Entry) -> LoadedFlow | None:
        """Read all of a flow but its graph; None where its name is none."""
        path = f"entries[{entry.index}].identifiers.slug"
        slug = entry.fields.get("slug")
        problems = [
            Problem("invalid", each.message, path=path) for each in misfits(slug, AnySlug, "slug")
        ]
        if problems:
            self.problems += problems
            return None
        assert isinstance(slug, str)  # noqa: S101 - it was looked at
        fields = entry.fields
        designation = fields.get("designation")
        settings = self._settings(entry, self._policies.of_flow(entry))
        return LoadedFlow(
            entry=entry.index,
            name=slug,
            display_name=_line(fields.get("name")),
            title=_line(fields.get("title")),
            designation=designation
            if isinstance(designation, str) and designation in TYPE_OF
            else None,
            type=self._type(entry),
            graph=Graph(),
            settings=settings,
            look=self._look(entry),
            state=entry.state if entry.state != "absent" else "present",
        )

    def _look(self, entry: Entry) -> Mapping[str, Json]:
        said = {}
        for each in msgspec.structs.fields(Look):
            value = entry.fields.get(each.name)
            if value and any(misfits(value, each.type)):
                reason = f"`{each.name}` is not known here"
                self._blueprint.remark(entry, "changed", reason, "it looks as others do")
            elif value:
                said[each.name] = value
        return said

    def _type(self, entry: Entry) -> FlowType:
        designation = entry.fields.get("designation")
        if isinstance(designation, str) and designation in TYPE_OF:
            return TYPE_OF[designation]
        # Of a login flow most is demanded.
        reason = "it says no designation" if designation is None else "its designation is not known"
        self._blueprint.remark(entry, "changed", reason, "a new flow is of type `login`")
        return FlowType.LOGIN

    def _settings(self, entry: Entry, gate: Gate) -> Settings:
        fields = entry.fields
        policies, mode = gate.policies, gate.mode
        authentication: Authentication = "none"
        denied: DeniedAction = "message_continue"
        wanted = fields.get("authentication", "none")
        try:
            authentication = msgspec.convert(wanted, Authentication)
        except msgspec.ValidationError:
            reason = f"`authentication` is `{str(wanted)[:50]}`, which is not known here"
            self._blueprint.remark(entry, "closed", reason, "nobody can start the flow")
            policies, mode = (*policies, Policy(untranslated("authentication"))), "all"
        action = fields.get("denied_action", denied)
        try:
            denied = msgspec.convert(action, DeniedAction)
        except msgspec.ValidationError:
            self._blueprint.remark(entry, "changed", "`denied_action` is not known here", denied)
        return Settings(
            policies=policies,
            policy_engine_mode=mode,
            authentication=authentication,
            denied_action=denied,
        )


def _line(value: object) -> str | None:
    # PostgreSQL's text has no NUL.
    text = value.replace("\x00", "").strip() if isinstance(value, str) else ""
    return text[:LONGEST_TITLE] or None


def _note_unused(blueprint: Blueprint) -> None:
    """Note each entry of which nothing is in a flow."""
    for entry in blueprint.entries:
        reason = _unused(blueprint, entry)
        if reason is not None:
            blueprint.remark(entry, "left_out", reason, "nothing")


def _unused(blueprint: Blueprint, entry: Entry) -> str | None:
    model = entry.model
    if model in (FLOW_MODEL, BINDING_MODEL):
        return None
    if model == POLICY_BINDING_MODEL:
        target = blueprint.find(entry.fields.get("target"))
        return None if target is not None else "it is about what the file does not hold"
    if model == "authentik_blueprints.metaapplyblueprint":
        return "a file does not lead to others; import that one too"
    if model == PROMPT_MODEL or is_stage(model):
        return None if blueprint.is_used(entry) else "no flow of the file uses it"
    if model.startswith("authentik_policies"):
        return None if blueprint.is_used(entry) else "no flow of the file uses it"
    return "it is no part of a flow"

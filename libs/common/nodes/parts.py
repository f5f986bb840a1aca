"""What a prompt is made of becomes fields and components; what of it makes no sense is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from libs.common.flow.view import Component
from libs.common.nodes.countries import COUNTRIES
from libs.common.nodes.countries import KEY as COUNTRY_KEY
from libs.common.nodes.fields import (
    CheckboxField,
    CountryField,
    DateField,
    Divider,
    DropdownField,
    EmailField,
    Image,
    Input,
    InputField,
    NumberField,
    Option,
    Part,
    PasswordField,
    RichText,
    TelephoneField,
    TextField,
    Typography,
    UsernameField,
)
from libs.common.nodes.form import SHORTEST_PASSWORD, Choice, Field, Kind
from libs.common.nodes.markup import read_markup
from libs.common.nodes.typed import Wrong, read_date, read_text

KINDS: Final[Mapping[type[Input], Kind]] = {
    TextField: Kind.TEXT,
    PasswordField: Kind.PASSWORD,
    EmailField: Kind.EMAIL,
    UsernameField: Kind.USERNAME,
    TelephoneField: Kind.TELEPHONE,
    NumberField: Kind.NUMBER,
    DateField: Kind.DATE,
    CheckboxField: Kind.CHECKBOX,
    CountryField: Kind.COUNTRY,
    DropdownField: Kind.DROPDOWN,
}


def draw_part(part: Part, id: str, path: str) -> Field | Component:
    """Draw `part`, which is written at `path`; raise `InvalidConfig` where it cannot be shown."""
    match part:
        case Typography(text=text, variant=variant):
            return Component(id, "TYPOGRAPHY", variant.upper(), config={"text": text})
        case RichText(text=text):
            safe = read_markup(text, f"{path}.text")
            return Component(id, "RICH_TEXT", config={"text": safe})
        case Divider(text=text):
            config = {} if text is None else {"text": text}
            return Component(id, "DIVIDER", "HORIZONTAL", config=config)
        case Image(src=src, alt=alt):
            return Component(id, "IMAGE", "IMAGE_BLOCK", config={"src": src, "alt": alt})
        case _:
            return _field(part)


def _field(part: InputField) -> Field:
    field = Field(
        part.name,
        KINDS[type(part)],
        part.label,
        required=part.required,
        placeholder=part.placeholder,
        hint=part.hint,
    )
    match part:
        case NumberField(minimum=least, maximum=most) | DateField(earliest=least, latest=most):
            return replace(field, least=_whole(least), most=_whole(most))
        case CountryField(countries=countries):
            return replace(field, choices=tuple(map(_country, countries or sorted(COUNTRIES))))
        case DropdownField(options=options):
            return replace(field, choices=tuple(map(_choice, options)))
        case CheckboxField():
            return field
        case _:
            shortest, longest = part.min_length, part.max_length
            shown = shortest is not None or longest is not None
            if shortest is None and isinstance(part, PasswordField):
                shortest = SHORTEST_PASSWORD
            characters = part.characters if isinstance(part, TextField) else None
            return replace(
                field,
                shortest=shortest,
                longest=longest,
                bounds_shown=shown,
                characters=characters,
            )


def _whole(bound: float | str | None) -> float | str | None:
    return int(bound) if isinstance(bound, float) and bound.is_integer() else bound


def _country(code: str) -> Choice:
    return Choice(code, code, f"{COUNTRY_KEY}{code}")


def _choice(option: Option) -> Choice:
    return Choice(option.value, option.label or option.value)


def mistakes(part: InputField) -> Iterator[tuple[str, str]]:
    """Find what of an input makes no sense: where it is written, and why."""
    match part:
        case NumberField(minimum=least, maximum=most):
            yield from _wrong_numbers(least, most)
        case DateField():
            yield from _wrong_days(part)
        case CountryField(countries=countries):
            yield from _wrong_countries(countries or ())
        case DropdownField(options=options):
            yield from _wrong_options(options)
        case CheckboxField():
            pass
        case _:
            yield from _wrong_lengths(_field(part))


def _wrong_lengths(field: Field) -> Iterator[tuple[str, str]]:
    shortest, longest = field.shortest, field.longest
    if shortest is not None and longest is not None and shortest > longest:
        yield "min_length", f"No text is {shortest} characters or more and {longest} or fewer"


def _wrong_numbers(least: float | None, most: float | None) -> Iterator[tuple[str, str]]:
    if least is not None and most is not None and least > most:
        yield "minimum", f"No number is {least:g} or more and {most:g} or less"


def _wrong_days(part: DateField) -> Iterator[tuple[str, str]]:
    for name, day in (("earliest", part.earliest), ("latest", part.latest)):
        if day is not None and not _reads_as_itself(read_date, day):
            yield name, f"`{day}` is no day"
    if part.earliest and part.latest and part.earliest > part.latest:
        yield "earliest", f"No day is {part.earliest} or later and {part.latest} or earlier"


def _wrong_countries(countries: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for index, code in enumerate(countries):
        if code not in COUNTRIES:
            yield f"countries[{index}]", f"`{code}` is the code of no country (ISO 3166-1)"
    for index in _repeated(countries):
        yield f"countries[{index}]", "It is listed already; remove it"


def _wrong_options(options: tuple[Option, ...]) -> Iterator[tuple[str, str]]:
    for index, option in enumerate(options):
        if not _reads_as_itself(read_text, option.value):
            message = "A value is one line that neither begins nor ends with a blank"
            yield f"options[{index}].value", message
    for index in _repeated([option.value for option in options]):
        yield f"options[{index}].value", "Another option has this value; change one of them"


def _repeated(values: Sequence[str]) -> Iterator[int]:
    """Find the places of what stands at an earlier one as well."""
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value in seen:
            yield index
        seen.add(value)


def _reads_as_itself(reader: Callable[[str], str], value: str) -> bool:
    try:
        return reader(value) == value
    except Wrong:
        return False

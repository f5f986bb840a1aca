"""What a prompt is made of, as its author writes it: inputs, and what stands between them."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from libs.common.nodes import markup
from libs.common.nodes.ends import HTTPS
from libs.common.nodes.form import LONGEST_PASSWORD, Characters, Name, Text
from libs.common.nodes.typed import LARGEST_NUMBER, LONGEST

MOST_CHOICES = 300

Length = Annotated[int, msgspec.Meta(ge=1, le=LONGEST)]
Number = Annotated[float, msgspec.Meta(ge=-LARGEST_NUMBER, le=LARGEST_NUMBER)]
Day = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$(?!\n)", description="a date, as in `2024-02-29`"
    ),
]
Country = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$(?!\n)")]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]


class Input(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something that is typed or picked."""

    name: Name
    """Names the input, `inputs.<name>`, and the user's attribute. `email`, `username`, `phone` and
    `password` need the type that is called so (`telephone` for `phone`)."""
    label: Text
    """What it is called on the screen."""
    required: bool = True
    """It must be filled; a checkbox must be ticked."""
    placeholder: Text | None = None
    """Shown while it is empty."""
    hint: Text | None = None
    """Shown beside it."""


class Measured(Input, frozen=True, kw_only=True):
    """An input that is counted in characters."""

    min_length: Length | None = None
    """The fewest characters taken."""
    max_length: Length | None = None
    """The most characters taken; 1,000 unless given."""


class TextField(Measured, frozen=True, kw_only=True, tag_field="type", tag="text"):
    """A line of text."""

    characters: Characters | None = None
    """What it may be made of: `digits` are 0 to 9, `letters` are of any script. Anything that can
    be printed, unless given. There are no patterns: some take for ever to match."""


class EmailField(Measured, frozen=True, kw_only=True, tag_field="type", tag="email"):
    """An email address."""


class UsernameField(Measured, frozen=True, kw_only=True, tag_field="type", tag="username"):
    """A user name."""


class TelephoneField(Measured, frozen=True, kw_only=True, tag_field="type", tag="telephone"):
    """A phone number with its country code."""


class PasswordField(Input, frozen=True, kw_only=True, tag_field="type", tag="password"):
    """A new password."""

    min_length: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_PASSWORD)] | None = None
    """The fewest characters taken; 8 unless given."""
    max_length: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_PASSWORD)] | None = None
    """The most characters taken; 256 unless given."""


class NumberField(Input, frozen=True, kw_only=True, tag_field="type", tag="number"):
    """A number."""

    minimum: Number | None = None
    """The least that is taken."""
    maximum: Number | None = None
    """The most that is taken."""


class DateField(Input, frozen=True, kw_only=True, tag_field="type", tag="date"):
    """A day, as in `2024-02-29`."""

    earliest: Day | None = None
    """The first that is taken."""
    latest: Day | None = None
    """The last that is taken."""


class CheckboxField(Input, frozen=True, kw_only=True, tag_field="type", tag="checkbox"):
    """A box that can be ticked."""


class CountryField(Input, frozen=True, kw_only=True, tag_field="type", tag="country"):
    """A country, which is kept as its code (ISO 3166-1 alpha-2)."""

    countries: Annotated[tuple[Country, ...], msgspec.Meta(min_length=1, max_length=300)] | None = (
        None
    )
    """The codes of those that can be picked; all unless given. Users see names, in their own
    language."""


class Option(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    value: Text
    """What is sent and kept."""
    label: Text | None = None
    """What it is called on the screen; its value unless given."""


class DropdownField(Input, frozen=True, kw_only=True, tag_field="type", tag="dropdown"):
    """One of what the author lists; nothing else is taken."""

    options: Annotated[tuple[Option, ...], msgspec.Meta(min_length=1, max_length=MOST_CHOICES)]
    """What can be picked, in order."""


class Typography(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="typography"
):
    """A heading or some words."""

    text: Words
    """What it says."""
    variant: Literal["h1", "h2", "h3", "h4", "h5", "h6", "body1", "body2"] = "body1"
    """How large."""


class RichText(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="rich_text"
):
    """Words with links, lists and emphasis."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=markup.LONGEST)]
    """HTML of `a`, `b`, `blockquote`, `br`, `code`, `em`, `h1` to `h6`, `i`, `li`, `ol`, `p`, `s`,
    `strong`, `u` and `ul`. Only a link has anything said of it: `href`, a path of the site, an
    `https` URL or a `mailto`; it opens beside the flow."""


class Divider(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="divider"
):
    """A line across."""

    text: Text | None = None
    """What stands in it, as `or`."""


class Image(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="image"):
    """A picture."""

    src: Annotated[str, msgspec.Meta(max_length=2_000, pattern=rf"^{HTTPS}$(?!\n)")]
    """Its `https` URL."""
    alt: Text
    """What it shows, for who does not see it."""


InputField: TypeAlias = (
    TextField
    | PasswordField
    | EmailField
    | UsernameField
    | TelephoneField
    | NumberField
    | DateField
    | CheckboxField
    | CountryField
    | DropdownField
)
Part: TypeAlias = InputField | Typography | RichText | Divider | Image

from libs.common.flow.expression.examples import SAMPLE
from libs.common.flow.expression.schema import SCHEMA, Shape
from libs.common.flow.expression.values import Json, kind


def test_the_sample_is_as_the_schema_says() -> None:
    assert SAMPLE.keys() <= SCHEMA.keys()
    for root, value in SAMPLE.items():
        assert fits(value, SCHEMA[root]), root


def fits(value: Json, shape: Shape) -> bool:
    if value is None or shape.kind is None:
        return True
    if not isinstance(value, dict):
        return kind(value) == shape.kind
    known = shape.attributes
    return (
        shape.kind == "map"
        and not (shape.closed and value.keys() - known.keys())
        and all(fits(each, known.get(name, Shape())) for name, each in value.items())
    )

from prometheus_client import Counter, Histogram

from libs.common.chassis.metrics import Metrics


def test_a_request_is_counted_by_route_and_class_of_status() -> None:
    metrics = Metrics("executor", "1.2.3")
    meter = metrics.route("GET", "/flows/{id}")
    meter.record(204, 0.003)
    meter.record(299, 0.003)
    meter.record(503, 0.003)
    text = metrics.render()[0].decode()
    requests = 'gatehouse_http_requests_total{method="GET",route="/flows/{id}",status="%s"} %s'
    assert requests % ("2xx", 2.0) in text
    assert requests % ("4xx", 0.0) in text
    assert requests % ("5xx", 1.0) in text
    assert (
        'gatehouse_http_request_seconds_bucket{le="0.005",method="GET",route="/flows/{id}"} 3.0'
    ) in text


def test_a_consumer_is_counted_by_outcome_and_lags_once_somebody_looked() -> None:
    metrics = Metrics("executor", "1.2.3")
    meter = metrics.consumer("executors")
    meter.delivered("done")
    text = metrics.render()[0].decode()
    deliveries = 'gatehouse_consumer_deliveries_total{consumer="executors",outcome="%s"} %s'
    assert deliveries % ("done", 1.0) in text
    assert deliveries % ("dead", 0.0) in text
    assert "gatehouse_consumer_lag{" not in text
    meter.lags(7)
    assert 'gatehouse_consumer_lag{consumer="executors"} 7.0' in metrics.render()[0].decode()


def test_what_runs_is_told() -> None:
    text = Metrics("executor", "1.2.3").render()[0].decode()
    assert 'gatehouse_build_info{service="executor",version="1.2.3"} 1.0' in text


def test_when_a_metric_was_made_is_no_series() -> None:
    metrics = Metrics("executor", "1.2.3")
    Counter("turns", "Turns.", registry=metrics.registry).inc()
    Histogram("seconds", "Seconds.", registry=metrics.registry).observe(1)
    assert "_created" not in metrics.render()[0].decode()


def test_two_services_in_one_process_share_no_metric() -> None:
    one, other = Metrics("one", "1"), Metrics("other", "1")
    one.route("GET", "/mine")
    assert "/mine" in one.render()[0].decode()
    assert "/mine" not in other.render()[0].decode()

"""Derived series: what kado computes, published to InfluxDB for Grafana."""

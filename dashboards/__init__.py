"""kado: Grafana dashboards and Prometheus rules, generated from a facility's profile."""

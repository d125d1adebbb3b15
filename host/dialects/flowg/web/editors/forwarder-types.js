// The types of forwarders and the members of their configurations (FlowG 12).

import { t } from "../texts.js";

const ADDRESS = { pattern: "(([a-zA-Z0-9.\\-]+)|(\\[[0-9A-Fa-f:]+\\])):[0-9]{1,5}", placeholder: "collector.example.com:514" };
const SEVERITIES = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];
const FACILITIES = "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp local0 local1 local2 local3 local4 local5 local6 local7".split(" ");
const ALL_FIELDS = t("Empty: all fields as JSON.");

const text = (name, label, attributes = {}) => ({ name, label, kind: "text", attributes });
const secret = (name, label, attributes = {}) => ({ name, label, kind: "secret", attributes });
const url = (name, label, placeholder) => text(name, label, { type: "url", required: true, placeholder });
const needed = { required: true };
const dynamic = (name, label, options = {}) => ({ name, label, kind: "dynamic", attributes: options });
const flag = (name, label) => ({ name, label, kind: "flag" });
const headers = { name: "headers", label: t("Headers"), kind: "headers" };

/** By type: its title, its members in the order of the form, and what a new one begins with. */
export const TYPES = {
  http: {
    title: "HTTP",
    members: [
      url("url", "URL", "https://example.com/in"),
      headers,
      text("proxy", t("Proxy"), { placeholder: "http://proxy.example.com:3128" }),
      dynamic("body", t("Body"), { hint: ALL_FIELDS }),
    ],
  },
  syslog: {
    title: "Syslog",
    members: [
      { name: "network", label: t("Transport"), kind: "choice", options: ["udp", "tcp"] },
      text("address", t("Address"), { ...ADDRESS, required: true }),
      dynamic("tag", t("Tag")),
      dynamic("severity", t("Severity"), { options: SEVERITIES }),
      dynamic("facility", t("Facility"), { options: FACILITIES }),
      dynamic("message", t("Message"), { hint: ALL_FIELDS }),
    ],
    initial: { network: "udp", severity: "info", facility: "user" },
  },
  datadog: {
    title: "Datadog",
    members: [
      url("url", "URL", "https://http-intake.logs.datadoghq.com/api/v2/logs"),
      secret("apiKey", t("API key"), needed),
      ...["ddsource", "ddtags", "hostname", "message", "service"].map((name) => dynamic(name, name, { hint: t("Empty: the field of that name.") })),
    ],
  },
  amqp: {
    title: "AMQP",
    members: [
      // The user and the password are part of it.
      secret("url", "URL", { required: true, placeholder: "amqp://user:password@mq.example.com/logs" }),
      dynamic("exchange", t("Exchange"), needed),
      dynamic("routing_key", t("Routing key")),
      dynamic("body", t("Body"), { hint: ALL_FIELDS }),
    ],
  },
  splunk: {
    title: "Splunk",
    members: [
      url("endpoint", "URL", "https://splunk.example.com:8088/services/collector/event"),
      secret("token", t("Token"), needed),
      dynamic("source", t("Source"), { hint: t("Empty: flowg.") }),
      dynamic("host", t("Host"), { hint: t("Empty: the field host.") }),
    ],
  },
  otlp: { title: "OpenTelemetry", members: [url("endpoint", "URL", "https://otel.example.com/v1/logs"), headers] },
  elastic: {
    title: "Elasticsearch",
    members: [
      text("index", t("Index"), needed),
      text("username", t("User"), needed),
      secret("password", t("Password"), needed),
      { name: "addresses", label: t("URLs of the nodes, one a line"), kind: "lines", attributes: needed },
      { name: "ca", label: t("Certificates in PEM"), kind: "long" },
    ],
  },
  clickhouse: {
    title: "ClickHouse",
    members: [
      text("address", t("Address"), { ...ADDRESS, required: true, placeholder: "ch.example.com:9000" }),
      text("db", t("Database"), needed),
      text("table", t("Table"), { required: true, pattern: "[a-zA-Z_][a-zA-Z0-9_]{0,63}" }),
      text("user", t("User"), needed),
      secret("pass", t("Password"), needed),
      flag("tls", "TLS"),
    ],
  },
  awscloudwatch: {
    title: "AWS CloudWatch",
    members: [
      url("endpoint", "URL", "https://logs.eu-central-1.amazonaws.com"),
      text("region", t("Region"), { placeholder: "eu-central-1" }),
      text("access_key_id", t("Access key")),
      secret("secret_access_key", t("Secret key")),
      secret("session_token", t("Session token")),
      text("group", t("Log group"), needed),
      text("stream", t("Log stream"), needed),
      text("app_id", t("Application")),
    ],
  },
  googlecloudlogging: {
    title: "Google Cloud Logging",
    members: [
      text("host", t("Host"), { required: true, placeholder: "logging.googleapis.com" }),
      { name: "port", label: t("Port"), kind: "number", attributes: { min: "1", max: "65535" } },
      text("project_id", t("Project"), needed),
      text("log_id", t("Log"), needed),
      flag("disable_tls", t("Without TLS")),
      flag("disable_auth", t("Without credentials")),
      { name: "auth_json", label: t("Key file of the service account"), kind: "long" },
    ],
    initial: { host: "logging.googleapis.com", port: 443 },
  },
  azuremonitor: {
    title: "Azure Monitor",
    members: [
      url("endpoint", "URL", "https://collector.westeurope-1.ingest.monitor.azure.com"),
      secret("token", t("Token"), needed),
      text("expires_on", t("End of the token (RFC 3339)"), { required: true, placeholder: "2030-01-01T00:00:00Z" }),
      text("rule_id", t("Rule"), needed),
      text("stream_name", t("Stream"), needed),
      flag("allow_insecure", t("Trust any certificate")),
    ],
  },
};

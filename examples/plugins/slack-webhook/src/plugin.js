// Sends records as messages to a webhook as Slack, Mattermost and others have it: many records in one message, none twice.

import {
  choice, forwarder, http, InvalidConfig, integer, map, metrics, secret, settings, text, Undelivered,
} from "headworks";

const config = settings({
  url: text({ default: "", description: "The webhook; empty: the secret slack-webhook-url" }),
  host: text({ default: "https://hooks.slack.com:443", pattern: "^https?://[^/]+:[0-9]+$", description: "Where the webhook is" }),
  template: text({ default: "{message}", description: "The line of a record; {name} is its field" }),
  channel: text({ optional: true, description: "Such as #alerts" }),
  levels: map(choice([":rotating_light:", ":warning:", ":information_source:"]), {
    default: { error: ":rotating_light:", warn: ":warning:" },
    description: "What comes before a line, by the record's field level",
  }),
  most: integer({ default: 20, minimum: 1, maximum: 100, description: "The most records of one message" }),
});

// What the service takes as it is: & < > begin markup.
const escaped = (value) => value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

export default forwarder({
  name: "slack-webhook",
  version: "0.1.0",
  summary: "Sends records as messages to a chat",
  grants: ["secret:slack-webhook-url", "https://*:*"],
  config,
  targets: ({ host }) => [host],
  open(settings) {
    const url = settings.url || secret("slack-webhook-url");
    if (!url) throw new InvalidConfig("url: it is empty, and the secret slack-webhook-url is not set or not granted");
    const line = (event) => {
      const mark = settings.levels[(event.get("level") ?? "").toLowerCase()];
      const filled = settings.template.replace(/\{([^{}]+)\}/g, (_, name) => escaped(event.get(name) ?? ""));
      return mark ? `${mark} ${filled}` : filled;
    };
    return {
      send(batch) {
        const events = [...batch];
        for (let at = 0; at < events.length; at += settings.most) {
          const part = events.slice(at, at + settings.most);
          deliver(part, at, { text: part.map(line).join("\n"), ...(settings.channel ? { channel: settings.channel } : {}) });
        }
      },
    };

    function deliver(events, at, message) {
      const answer = http.post(url, { json: message });
      if (answer.ok) {
        metrics.count("messages_sent_total");
      } else if (answer.status === 429 || answer.status >= 500) {
        const wait = Number(answer.header("retry-after") ?? 5);
        throw new Undelivered(`the webhook answers ${answer.status}`, { at, retryAfter: Number.isFinite(wait) ? wait : 5 });
      } else {
        for (const event of events) event.reject(`the webhook answers ${answer.status}: ${answer.text().slice(0, 200)}`);
      }
    }
  },
});

import { forwarder, http, settings, text, Undelivered } from "headworks";

export default forwarder({
  name: "{{name}}",
  version: "0.1.0",
  summary: "Posts each record as JSON",
  grants: ["http://*:*", "https://*:*"],
  config: settings({ url: text({ pattern: "^https?://[^/]+", description: "Where each record is posted to, as JSON" }) }),
  targets({ url }) {
    const [, scheme, host] = /^(https?):\/\/([^/?#]+)/.exec(url);
    return [`${scheme}://${/:\d+$/.test(host) ? host : `${host}:${scheme === "https" ? 443 : 80}`}`];
  },
  open({ url }) {
    return {
      send(batch) {
        let index = 0;
        for (const event of batch) {
          const { ok, status } = http.post(url, { json: event });
          if (status === 400 || status === 413 || status === 422) event.reject(`the target answers ${status}`);
          else if (!ok) throw new Undelivered(`the target answers ${status}`, { at: index, retryAfter: 5 });
          index += 1;
        }
      },
    };
  },
});

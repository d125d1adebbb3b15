// The first page: how much of everything there is, and the ways there.

import { api } from "../api.js";
import { h } from "../dom.js";
import { session } from "../session.js";
import { number, t } from "../texts.js";

export async function homePage() {
  const kinds = [
    { title: t("Streams"), to: "streams", permission: "can_view_streams", list: api.streams.list },
    { title: t("Transformers"), to: "transformers", permission: "can_view_transformers", list: api.transformers.list },
    { title: t("Pipelines"), to: "pipelines", permission: "can_view_pipelines", list: api.pipelines.list },
    { title: t("Forwarders"), to: "forwarders", permission: "can_view_forwarders", list: api.forwarders.list },
  ].filter(({ permission }) => session.may(permission));
  const cards = await Promise.all(kinds.map(async ({ title, to, list }) => card(title, to, (await list()).length)));
  const none = h("p", { class: "empty" }, t("No role of yours shows anything here."));
  return h("main", { class: "page" }, h("h1", null, t("Home")), cards.length ? h("div", { class: "cards" }, cards) : none);
}

function card(title, to, count) {
  return h("a", { class: "card", href: to }, h("strong", null, number(count)), h("span", null, title));
}

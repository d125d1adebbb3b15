// The language of the page. Texts are written in English where they are used; a dictionary has them in another language.

import { GERMAN } from "./german.js";

const KEY = "headworks.language";
const DICTIONARIES = { en: {}, de: GERMAN };

/** The languages, each by its own name. */
export const LANGUAGES = { en: "English", de: "Deutsch" };

const kept = localStorage.getItem(KEY);
const wanted = [kept, ...navigator.languages.map((tag) => tag.split("-")[0])];

/** The language in use. */
export const language = wanted.find((one) => one in DICTIONARIES) ?? "en";
document.documentElement.lang = language;

/** Changes the language; the page is loaded anew. */
export function speak(chosen) {
  localStorage.setItem(KEY, chosen);
  location.reload();
}

/** A text in the user's language, with `{name}` replaced by the value of that name. */
export function t(text, values = {}) {
  const said = DICTIONARIES[language][text] ?? text;
  return said.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

const TIME = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
const formats = [0, 3].map((digits) => new Intl.DateTimeFormat(language, { ...TIME, fractionalSecondDigits: digits || undefined }));

/** A time as this user writes it, to the second. */
export function time(date) {
  return formats[0].format(date);
}

/** A time as this user writes it, to the millisecond. */
export function exactTime(date) {
  return formats[1].format(date);
}

/** A number as this user writes it. */
export function number(value) {
  return value.toLocaleString(language);
}

/** A number of bytes in a unit that suits it. */
export function bytes(value) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  const step = value < 1 ? 0 : Math.min(Math.floor(Math.log10(value) / 3), units.length - 1);
  const format = { style: "unit", unit: units[step], maximumFractionDigits: 1 };
  return (value / 1000 ** step).toLocaleString(language, format);
}

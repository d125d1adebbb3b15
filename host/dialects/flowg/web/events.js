// Reads Server-Sent Events from the body of a response: EventSource cannot send an Authorization header.

/** The events of a body, each with its name and its data. Comments and blocks without data are no events. */
export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let event = { name: "message", data: [] };
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        const [, name, text] = /^([^:]*):? ?([^]*?)\r?$/.exec(line);
        if (name === "event") event.name = text;
        else if (name === "data") event.data.push(text);
        else if (line.trim() === "") {
          if (event.data.length) yield { name: event.name, data: event.data.join("\n") };
          event = { name: "message", data: [] };
        }
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

// Following the pointer while its button is held.

/** How far it has to go before that is a movement and no click, in pixels. */
const SLACK = 4;

/** Follows the pointer from `event` on: `move(dx, dy, event)` in pixels of the screen, in the end `end(event, moved)`. */
export function drag(event, move, end) {
  let moved = false;
  const moves = (now) => {
    const [dx, dy] = [now.clientX - event.clientX, now.clientY - event.clientY];
    moved ||= Math.hypot(dx, dy) > SLACK;
    if (moved) move(dx, dy, now);
  };
  const ends = (now) => {
    removeEventListener("pointermove", moves);
    removeEventListener("pointerup", ends);
    removeEventListener("pointercancel", ends);
    end(now, moved);
  };
  addEventListener("pointermove", moves);
  addEventListener("pointerup", ends);
  addEventListener("pointercancel", ends);
}

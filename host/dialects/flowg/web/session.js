// Who is logged in and what that user may do. The token outlives the page; the rest is asked for on every navigation.

const KEY = "headworks.token";

class Session {
  user = null;
  #permissions = {};

  get token() {
    return localStorage.getItem(KEY);
  }

  begin(token) {
    localStorage.setItem(KEY, token);
  }

  /** Forgets the token and tells the page. */
  end() {
    localStorage.removeItem(KEY);
    this.user = null;
    this.#permissions = {};
    dispatchEvent(new Event("session-end"));
  }

  /** Takes the answer of `whoami`. */
  know({ user, permissions }) {
    this.user = user;
    this.#permissions = permissions;
  }

  /** Whether the user may do what a permission such as `can_view_streams` stands for. Without one everybody may. */
  may(permission) {
    return !permission || this.#permissions[permission] === true;
  }

  get permissions() {
    return Object.keys(this.#permissions).filter((permission) => this.#permissions[permission]);
  }
}

export const session = new Session();

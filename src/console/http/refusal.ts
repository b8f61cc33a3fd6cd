// Something that the one who asks can mend.

/** With its HTTP status, and what the page that tells of it is called. */
export class Refusal extends Error {
  readonly status: 400 | 403 | 404 | 405 | 409 | 413 | 429;
  readonly title: string;

  constructor(status: Refusal['status'], title: string, message: string) {
    super(message);
    this.status = status;
    this.title = title;
  }
}

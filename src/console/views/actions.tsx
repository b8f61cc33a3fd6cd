// The forms by which something is done; shown only to those who may.
import { jobPath } from './parts.tsx';

export function PauseForm({ name, csrf }: { readonly name: string; readonly csrf: string }) {
  return (
    <section>
      <h2>Pause</h2>
      <form class="action" method="post" action={`${jobPath(name)}/pause`}>
        <input type="hidden" name="csrf" value={csrf} />
        <label>
          Why
          <input type="text" name="why" id="why" required maxlength={500} />
        </label>
        <label>
          For how long <span class="faint">(such as 2h or 7d; until somebody resumes it unless set)</span>
          <input type="text" name="for" id="for" maxlength={20} />
        </label>
        <button type="submit">Pause {name}</button>
      </form>
    </section>
  );
}

export function ResumeForm({ name, csrf }: { readonly name: string; readonly csrf: string }) {
  return (
    <form class="action" method="post" action={`${jobPath(name)}/resume`}>
      <input type="hidden" name="csrf" value={csrf} />
      <button type="submit">Resume {name}</button>
    </form>
  );
}

export function CancelForm({ id, csrf }: { readonly id: string; readonly csrf: string }) {
  return (
    <form class="action" method="post" action={`/runs/${id}/cancel`}>
      <input type="hidden" name="csrf" value={csrf} />
      <label>
        Why
        <input type="text" name="why" id="why" maxlength={500} />
      </label>
      <button type="submit">Cancel this run</button>
    </form>
  );
}

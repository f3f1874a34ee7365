// Keeps the marked parts of a page current while somebody looks at it: fetches the page itself, replaces what changed,
// and leaves scrolling, selection and forms alone.
"use strict";

(() => {
    const EVERY = 3000; // ms after the last answer, so that a slow farm is asked less often
    const FAILURES = 5; // in a row; a page left open does not ask a stopped farm for ever

    async function refresh() {
        const answer = await fetch(location.href, { credentials: "same-origin", redirect: "error" });
        if (!answer.ok) throw new Error(answer.status);
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const part of document.querySelectorAll("[data-live]")) {
            const now = fresh.querySelector(`[data-live="${CSS.escape(part.dataset.live)}"]`);
            if (now && now.innerHTML !== part.innerHTML) part.innerHTML = now.innerHTML;
        }
    }

    async function watch() {
        for (let failures = 0; failures < FAILURES; ) {
            await new Promise((wake) => setTimeout(wake, EVERY));
            if (document.hidden) continue;
            try {
                await refresh();
                failures = 0;
            } catch {
                failures += 1;
            }
        }
    }

    document.addEventListener("DOMContentLoaded", () => {
        if (document.querySelector("[data-live]")) watch();
    });
})();

// The budget that is there to be spent: a bar of it, drawn from what the ledger says.

const $ = (id) => document.getElementById(id);
const LOOK_EVERY_MS = 1000;

let timer = 0;
let shown = null;

const dollars = (nano) => `$${(nano / 1e9).toFixed(2)}`;

/** Show how the budget `name` stands, and go on showing it until `hide`. */
export function show(name) {
  clearInterval(timer);
  shown = name;
  timer = setInterval(() => document.hidden || look(name), LOOK_EVERY_MS);
  return look(name);
}

export function hide() {
  clearInterval(timer);
  shown = null;
  $("purse").hidden = true;
}

/** Draw it once; what cannot be had just now stays as it was drawn. */
async function look(name) {
  let account;
  try {
    const response = await fetch("/api/budgets?most=1");
    account = response.ok ? (await response.json()).accounts.find((one) => one.budget === name) : undefined;
  } catch { /* the next look may find it */ }
  if (account && shown === name) draw(account);
}

function draw({ budget, limit, used, held }) {
  const share = (amount) => Math.max(0, Math.min(100, (100 * amount) / limit));
  const left = Math.max(0, limit - used);
  $("purse-title").textContent = `Budget ${budget}`;
  $("purse-left").textContent = `${dollars(used)} of ${dollars(limit)} spent · ${dollars(left)} left`;
  $("purse-used").style.width = `${share(used)}%`;
  $("purse-held").style.width = `${Math.min(share(held), 100 - share(used))}%`;
  $("purse-bar").setAttribute("aria-valuenow", Math.round(share(used)));
  $("purse-bar").setAttribute("aria-valuetext", $("purse-left").textContent);
  $("purse").classList.toggle("spent", used >= limit);
  $("purse").hidden = false;
}

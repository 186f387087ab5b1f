-- Alerts, each once for its window.

-- When a budget last refused a call since what is left would not do, whatever others hold; and which limit it had then.
alter table ledger_owners add column refused_at timestamptz;
alter table ledger_owners add column refused_limit bigint;
create index ledger_leases_by_window on ledger_leases (budget, window_start);

-- What was raised. `kind`, `subject`, `owner` and `mark` say what it is about; nothing is raised twice in one window,
-- and nothing before `quiet_until`: a rolling window ends at no fixed moment, and a target that is missed is told once.
create table alerts (
    alert_id text primary key,
    kind text not null,                -- 'budget', 'cost', 'latency'
    subject text not null,             -- the name of the budget, or of the feature
    owner text[] not null,             -- the values of the budget's `per`; else empty
    mark text not null,                -- what was reached: '80% of $10.00'
    window_start timestamptz not null,
    quiet_until timestamptz not null,
    is_told boolean not null,          -- false: a higher mark was reached in the same moment, and told instead
    body jsonb not null,
    raised_at timestamptz not null,
    unique (kind, subject, owner, mark, window_start)
);
create index alerts_by_time on alerts (raised_at desc);

-- Who is to be told of it: one row for each webhook.
create table alert_deliveries (
    alert_id text not null references alerts on delete cascade,
    webhook text not null,             -- its name in alerts.yaml
    state text not null,               -- 'waiting', 'delivered', 'given_up'
    tries integer not null,
    next_try_at timestamptz not null,
    give_up_at timestamptz not null,
    outcome text not null,             -- what came of the last try; empty before it
    status integer,                    -- of the last answer; null where there was none
    changed_at timestamptz not null,
    primary key (alert_id, webhook)
);
create index alert_deliveries_waiting on alert_deliveries (next_try_at) where state = 'waiting';

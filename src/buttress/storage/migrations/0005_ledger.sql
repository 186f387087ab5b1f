-- Whose money: one row for each owner of each budget. Whoever grants locks it; it holds nothing else.
create table ledger_owners (
    budget text not null,
    owner text[] not null,             -- the values of the budget's `per`, in that order
    primary key (budget, owner)
);

-- What is known of each lease: sums in nano-dollars since it began, none of which ever falls.
create table ledger_leases (
    lease text primary key,
    worker text not null,
    budget text not null,
    owner text[] not null,
    window_start timestamptz not null,
    granted bigint not null,
    used bigint not null,
    returned bigint not null,
    assumed bigint not null,           -- of what is used: nobody was left who could know
    unpriced bigint not null,          -- attempts whose cost nobody knows
    is_ended boolean not null,
    changed_at timestamptz not null default now()
);
create index ledger_leases_by_account on ledger_leases (budget, owner, window_start);
create index ledger_leases_running on ledger_leases (worker) where not is_ended;

-- The number of the newest grant. Processes remember it: a database with a smaller one has forgotten grants.
-- No sequence: that of a restored database may be ahead of what it remembers.
-- `learned_until` is what it was when a restored database last learned again: other machines then tell theirs, too.
create table ledger_grants (number bigint not null, learned_until bigint not null);
insert into ledger_grants values (0, 0);

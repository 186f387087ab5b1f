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
    is_ended boolean not null,
    changed_at timestamptz not null default now()
);
create index ledger_leases_by_account on ledger_leases (budget, owner, window_start);

-- Numbers the grants. A worker that is given a smaller number than before knows that the database has forgotten.
create sequence ledger_grants;

-- What an answer stands on, and what was not released of it.
alter table traces add column support jsonb not null default '{}';
alter table traces add column withheld jsonb not null default '[]';

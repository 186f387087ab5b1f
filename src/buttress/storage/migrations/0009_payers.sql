-- By which key a call came, and the tags of that key: for reports of what was spent.
alter table traces add column key_id text;
alter table traces add column tags jsonb not null default '{}';

-- What was said in conversations that clients name by an id of their own; nobody else's is ever looked at.
create table conversations (
    tenant text not null,
    user_id text not null,             -- '' where the client names no user
    conversation text not null,
    turns bigint not null,             -- how many there are; the next one's ordinal
    last_at timestamptz not null,
    primary key (tenant, user_id, conversation)
);
create index conversations_by_age on conversations (last_at);

create table conversation_turns (
    tenant text not null,
    user_id text not null,
    conversation text not null,
    ordinal bigint not null,           -- 0 is the first question, 1 its answer
    role text not null,
    content text not null,
    trace_id text not null,            -- of the call it was said in
    said_at timestamptz not null,
    primary key (tenant, user_id, conversation, ordinal),
    foreign key (tenant, user_id, conversation) references conversations on delete cascade
);
create unique index conversation_turns_once on conversation_turns (trace_id, role);

"""The first schema."""

import sqlalchemy as sa
from alembic import op

import agent.store.columns
revision = "0001"
down_revision = None
def upgrade() -> None:
    op.create_table('audit',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('at', agent.store.columns.Instant(), nullable=False),
    sa.Column('who', sa.String(), nullable=False),
    sa.Column('what', sa.String(), nullable=False),
    sa.Column('entity', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit')))
    op.create_table('changes',
    sa.Column('seq', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('at', agent.store.columns.Instant(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('event', sa.String(), nullable=False),
    sa.Column('entity', sa.String(), nullable=False),
    sa.Column('body', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('seq', name=op.f('pk_changes')),
    sqlite_autoincrement=True
    )
    op.create_table('chores',
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('since', agent.store.columns.Instant(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_chores'))
    )
    op.create_table('never_log',
    sa.Column('match_key', sa.String(), nullable=False),
    sa.Column('made_at', agent.store.columns.Instant(), nullable=False),
    sa.PrimaryKeyConstraint('match_key', name=op.f('pk_never_log'))
    )
    op.create_table('suggestions',
    sa.Column('match_key', sa.String(), nullable=False),
    sa.Column('contact_id', sa.String(), nullable=False),
    sa.Column('address', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('rule', sa.String(), nullable=False),
    sa.Column('refused', sa.Boolean(), nullable=False),
    sa.Column('made_at', agent.store.columns.Instant(), nullable=False),
    sa.PrimaryKeyConstraint('match_key', 'contact_id', name=op.f('pk_suggestions'))
    )
    op.create_index('ix_suggestions_refused', 'suggestions', ['match_key', 'contact_id'], unique=False, sqlite_where=sa.text('refused = 1'), postgresql_where=sa.text('refused'))
    op.create_table('companies',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_companies')))
    op.create_table('installation',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('key_check', agent.store.columns.Hash(), nullable=False),
    sa.Column('created_at', agent.store.columns.Instant(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_installation')))
    op.create_table('interactions',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('message_key', agent.store.columns.Hash(), nullable=True),
    sa.Column('variant', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('direction', sa.String(), nullable=False),
    sa.Column('occurred_at', agent.store.columns.Instant(), nullable=False),
    sa.Column('date', agent.store.columns.Instant(), nullable=True),
    sa.Column('from_address', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=True),
    sa.Column('message_id', sa.String(), nullable=True),
    sa.Column('thread_id', sa.String(), nullable=True),
    sa.Column('capture', sa.String(), nullable=False),
    sa.Column('rule', sa.String(), nullable=False),
    sa.Column('attachments', sa.JSON(), nullable=False),
    sa.Column('flagged_as', sa.JSON(), nullable=False),
    sa.Column('asks', sa.Boolean(), nullable=True),
    sa.Column('words', sa.Integer(), nullable=True),
    sa.Column('holds_until', sa.Date(), nullable=True),
    sa.Column('promises', sa.Date(), nullable=True),
    sa.Column('ends_at', agent.store.columns.Instant(), nullable=True),
    sa.Column('cancelled_at', agent.store.columns.Instant(), nullable=True),
    sa.Column('recorded_at', agent.store.columns.Instant(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_interactions')),
    sa.UniqueConstraint('message_key', 'variant', name=op.f('uq_interactions_message_key_variant')))
    op.create_index('ix_interactions_ends_at', 'interactions', ['ends_at'], unique=False, sqlite_where=sa.text('ends_at IS NOT NULL'), postgresql_where=sa.text('ends_at IS NOT NULL'))
    op.create_index(op.f('ix_interactions_occurred_at'), 'interactions', ['occurred_at'], unique=False)
    op.create_index(op.f('ix_interactions_thread_id'), 'interactions', ['thread_id'], unique=False)
    op.create_table('mailboxes',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('address', sa.String(), nullable=False),
    sa.Column('written', sa.String(), nullable=False),
    sa.Column('connector', sa.String(), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('approved', sa.Boolean(), nullable=False),
    sa.Column('paused', sa.Boolean(), nullable=False),
    sa.Column('since', sa.Date(), nullable=True),
    sa.Column('settings_digest', sa.String(), nullable=False),
    sa.Column('problem', sa.String(), nullable=True),
    sa.Column('last_error', sa.String(), nullable=True),
    sa.Column('advice', sa.String(), nullable=True),
    sa.Column('last_attempt', agent.store.columns.Instant(), nullable=True),
    sa.Column('last_success', agent.store.columns.Instant(), nullable=True),
    sa.Column('caught_up_at', agent.store.columns.Instant(), nullable=True),
    sa.Column('next_due', agent.store.columns.Instant(), nullable=False),
    sa.Column('contacts_due', agent.store.columns.Instant(), nullable=True),
    sa.Column('missing_folders', sa.JSON(), nullable=True),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('lease_owner', sa.String(), nullable=True),
    sa.Column('lease_epoch', sa.Integer(), nullable=False),
    sa.Column('lease_until', agent.store.columns.Instant(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mailboxes')),
    sa.UniqueConstraint('address', name=op.f('uq_mailboxes_address')))
    op.create_index(op.f('ix_mailboxes_next_due'), 'mailboxes', ['next_due'], unique=False)
    op.create_table('mailbox_lists',
    sa.Column('connector', sa.String(), nullable=False), sa.Column('members', sa.JSON(), nullable=True),
    sa.Column('taken_at', agent.store.columns.Instant(), nullable=True),
    sa.Column('fault', sa.String(), nullable=True), sa.Column('advice', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('connector', name=op.f('pk_mailbox_lists')))
    op.create_table('message_refs',
    sa.Column('ref', agent.store.columns.Hash(), nullable=False),
    sa.Column('message_key', agent.store.columns.Hash(), nullable=False),
    sa.PrimaryKeyConstraint('ref', 'message_key', name=op.f('pk_message_refs')),
    sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_message_refs_message_key'), 'message_refs', ['message_key'], unique=False)
    op.create_table('thread_members',
    sa.Column('id_hash', agent.store.columns.Hash(), nullable=False),
    sa.Column('thread_id', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id_hash', name=op.f('pk_thread_members')),
    sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_thread_members_thread_id'), 'thread_members', ['thread_id'], unique=False)
    op.create_table('tokens',
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_tokens'))
    )
    op.create_table('tombstones',
    sa.Column('hash', agent.store.columns.Hash(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('made_at', agent.store.columns.Instant(), nullable=False),
    sa.PrimaryKeyConstraint('hash', name=op.f('pk_tombstones'))
    )
    op.create_table('removals',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('message_key', agent.store.columns.Hash(), nullable=False),
    sa.Column('variant', sa.Integer(), nullable=False),
    sa.Column('header', agent.store.columns.Hash(), nullable=False),
    sa.Column('made_at', agent.store.columns.Instant(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_removals'))
    )
    op.create_index(op.f('ix_removals_message_key'), 'removals', ['message_key'], unique=False)
    op.create_table('removed_sightings',
    sa.Column('removal_id', sa.String(), nullable=False),
    sa.Column('mailbox_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('size', agent.store.columns.Hash(), nullable=False),
    sa.Column('text_digest', agent.store.columns.Hash(), nullable=False),
    sa.ForeignKeyConstraint(['mailbox_id'], ['mailboxes.id'], name=op.f('fk_removed_sightings_mailbox_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['removal_id'], ['removals.id'], name=op.f('fk_removed_sightings_removal_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('removal_id', 'mailbox_id', 'size', 'text_digest', name=op.f('pk_removed_sightings'))
    )
    op.create_table('calendar_items',
    sa.Column('uid', sa.String(), nullable=False),
    sa.Column('place', sa.String(), nullable=False),
    sa.Column('mailbox_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('reminder_id', sa.String(), nullable=False),
    sa.Column('intent', sa.String(), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('next_try', agent.store.columns.Instant(), nullable=True),
    sa.Column('last_error', sa.String(), nullable=True),
    sa.Column('href', sa.String(), nullable=True),
    sa.Column('etag', sa.String(), nullable=True),
    sa.Column('unread', sa.Boolean(), nullable=False),
    sa.Column('wanted', sa.JSON(), nullable=True),
    sa.Column('written', sa.JSON(), nullable=True),
    sa.Column('kept', sa.JSON(), nullable=True),
    sa.ForeignKeyConstraint(['mailbox_id'], ['mailboxes.id'], name=op.f('fk_calendar_items_mailbox_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('uid', 'place', name=op.f('pk_calendar_items'))
    )
    op.create_index(op.f('ix_calendar_items_mailbox_id_intent'), 'calendar_items', ['mailbox_id', 'intent'], unique=False)
    op.create_index(op.f('ix_calendar_items_reminder_id'), 'calendar_items', ['reminder_id'], unique=False)
    op.create_table('calendars',
    sa.Column('mailbox_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('place', sa.String(), nullable=False),
    sa.Column('described', sa.JSON(), nullable=True),
    sa.Column('left_at', agent.store.columns.Instant(), nullable=True),
    sa.Column('cursor', sa.Text(), nullable=True),
    sa.Column('fault', sa.String(), nullable=True),
    sa.Column('read_at', agent.store.columns.Instant(), nullable=True),
    sa.Column('next_try', agent.store.columns.Instant(), nullable=True),
    sa.ForeignKeyConstraint(['mailbox_id'], ['mailboxes.id'], name=op.f('fk_calendars_mailbox_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('mailbox_id', 'place', name=op.f('pk_calendars'))
    )
    op.create_table('company_domains',
    sa.Column('domain', sa.String(), nullable=False),
    sa.Column('company_id', sa.String(), nullable=False),
    sa.Column('stated', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['company_id'], ['companies.id'], name=op.f('fk_company_domains_company_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('domain', 'company_id', name=op.f('pk_company_domains'))
    )
    op.create_index(op.f('ix_company_domains_company_id'), 'company_domains', ['company_id'], unique=False)
    op.create_table('company_links',
    sa.Column('interaction_id', sa.String(), nullable=False),
    sa.Column('company_id', sa.String(), nullable=False),
    sa.Column('domain', sa.String(), nullable=False),
    sa.Column('rule', sa.String(), nullable=False),
    sa.Column('evidence', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['company_id'], ['companies.id'], name=op.f('fk_company_links_company_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['interaction_id'], ['interactions.id'], name=op.f('fk_company_links_interaction_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('interaction_id', 'company_id', name=op.f('pk_company_links')),
    sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_company_links_company_id'), 'company_links', ['company_id'], unique=False)
    op.create_table('contacts',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('name_key', sa.String(), nullable=False),
    sa.Column('short_key', sa.String(), nullable=False),
    sa.Column('inner_key', sa.String(), nullable=False),
    sa.Column('company_id', sa.String(), nullable=True),
    sa.Column('title', sa.String(), nullable=False),
    sa.Column('owner', sa.String(), nullable=False),
    sa.Column('stage', sa.String(), nullable=False),
    sa.Column('phones', sa.JSON(), nullable=False),
    sa.Column('fields', sa.JSON(), nullable=False),
    sa.Column('created_by', sa.String(), nullable=False),
    sa.Column('created_at', agent.store.columns.Instant(), nullable=False),
    sa.ForeignKeyConstraint(['company_id'], ['companies.id'], name=op.f('fk_contacts_company_id'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contacts'))
    )
    op.create_index('ix_contacts_company_id_inner_key', 'contacts', ['company_id', 'inner_key'], unique=False, sqlite_where=sa.text("inner_key <> ''"), postgresql_where=sa.text("inner_key <> ''"))
    op.create_index(op.f('ix_contacts_company_id_short_key'), 'contacts', ['company_id', 'short_key'], unique=False)
    op.create_index(op.f('ix_contacts_name_key'), 'contacts', ['name_key'], unique=False)
    op.create_index(op.f('ix_contacts_owner'), 'contacts', ['owner'], unique=False)
    op.create_table('folders',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('mailbox_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('role', sa.String(), nullable=True),
    sa.Column('validity', sa.String(), nullable=True),
    sa.Column('renumberings', sa.Integer(), nullable=False),
    sa.Column('breaks', sa.Integer(), nullable=False),
    sa.Column('mark', sa.String(), nullable=True),
    sa.Column('absent', sa.Boolean(), nullable=False),
    sa.Column('stopped', sa.String(), nullable=True),
    sa.Column('retry_at', agent.store.columns.Instant(), nullable=True),
    sa.Column('before_start', sa.Integer(), nullable=False),
    sa.Column('flags_read_at', agent.store.columns.Instant(), nullable=True),
    sa.Column('compared_at', agent.store.columns.Instant(), nullable=True),
    sa.ForeignKeyConstraint(['mailbox_id'], ['mailboxes.id'], name=op.f('fk_folders_mailbox_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_folders')),
    sa.UniqueConstraint('mailbox_id', 'key', name=op.f('uq_folders_mailbox_id_key'))
    )
    op.create_table('participants',
    sa.Column('interaction_id', sa.String(), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('address', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('match_key', sa.String(), nullable=False),
    sa.Column('occurred_at', agent.store.columns.Instant(), nullable=False),
    sa.ForeignKeyConstraint(['interaction_id'], ['interactions.id'], name=op.f('fk_participants_interaction_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('interaction_id', 'role', 'address', name=op.f('pk_participants')),
    sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_participants_match_key_occurred_at'), 'participants', ['match_key', 'occurred_at'], unique=False)
    op.create_table('reviews',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('mailbox_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('message_key', agent.store.columns.Hash(), nullable=False),
    sa.Column('interaction_id', sa.String(), nullable=True),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('address', sa.String(), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('rule', sa.String(), nullable=False),
    sa.Column('candidates', sa.JSON(), nullable=False),
    sa.Column('evidence', sa.JSON(), nullable=False),
    sa.Column('envelope', sa.JSON(), nullable=False),
    sa.Column('created_at', agent.store.columns.Instant(), nullable=False),
    sa.ForeignKeyConstraint(['interaction_id'], ['interactions.id'], name=op.f('fk_reviews_interaction_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['mailbox_id'], ['mailboxes.id'], name=op.f('fk_reviews_mailbox_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reviews'))
    )
    op.create_index('ix_reviews_interaction_id', 'reviews', ['interaction_id'], unique=False, sqlite_where=sa.text('interaction_id IS NOT NULL'), postgresql_where=sa.text('interaction_id IS NOT NULL'))
    op.create_index(op.f('ix_reviews_message_key'), 'reviews', ['message_key'], unique=False)
    op.create_table('texts',
    sa.Column('interaction_id', sa.String(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['interaction_id'], ['interactions.id'], name=op.f('fk_texts_interaction_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('interaction_id', name=op.f('pk_texts'))
    )
    op.create_table('contact_emails',
    sa.Column('contact_id', sa.String(), nullable=False),
    sa.Column('match_key', sa.String(), nullable=False),
    sa.Column('address', sa.String(), nullable=False),
    sa.Column('is_primary', sa.Boolean(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=True),
    sa.Column('valid_to', sa.Date(), nullable=True),
    sa.ForeignKeyConstraint(['contact_id'], ['contacts.id'], name=op.f('fk_contact_emails_contact_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('contact_id', 'match_key', name=op.f('pk_contact_emails'))
    )
    op.create_index(op.f('ix_contact_emails_match_key'), 'contact_emails', ['match_key'], unique=False)
    op.create_table('cursors',
    sa.Column('folder_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('lane', sa.String(), nullable=False),
    sa.Column('cursor', sa.Text(), nullable=False),
    sa.Column('since', sa.Date(), nullable=True),
    sa.Column('done', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['folder_id'], ['folders.id'], name=op.f('fk_cursors_folder_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('folder_id', 'lane', name=op.f('pk_cursors'))
    )
    op.create_table('external_ids',
    sa.Column('contact_id', sa.String(), nullable=False),
    sa.Column('system', sa.String(), nullable=False),
    sa.Column('external_id', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['contact_id'], ['contacts.id'], name=op.f('fk_external_ids_contact_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('contact_id', 'system', name=op.f('pk_external_ids'))
    )
    op.create_index(op.f('ix_external_ids_system_external_id'), 'external_ids', ['system', 'external_id'], unique=False)
    op.create_table('gaps',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('mailbox_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('folder_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('validity', sa.String(), nullable=False),
    sa.Column('uid', sa.String(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('first_at', agent.store.columns.Instant(), nullable=False),
    sa.Column('next_try', agent.store.columns.Instant(), nullable=False),
    sa.Column('quarantined', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['folder_id'], ['folders.id'], name=op.f('fk_gaps_folder_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['mailbox_id'], ['mailboxes.id'], name=op.f('fk_gaps_mailbox_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_gaps')),
    sa.UniqueConstraint('folder_id', 'validity', 'uid', name=op.f('uq_gaps_folder_id_validity_uid'))
    )
    op.create_table('links',
    sa.Column('interaction_id', sa.String(), nullable=False),
    sa.Column('contact_id', sa.String(), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('email', sa.String(), nullable=False),
    sa.Column('rule', sa.String(), nullable=False),
    sa.Column('confidence', sa.Float(), nullable=False),
    sa.Column('evidence', sa.JSON(), nullable=False),
    sa.Column('origin', sa.String(), nullable=False),
    sa.Column('occurred_at', agent.store.columns.Instant(), nullable=False),
    sa.ForeignKeyConstraint(['contact_id'], ['contacts.id'], name=op.f('fk_links_contact_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['interaction_id'], ['interactions.id'], name=op.f('fk_links_interaction_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('interaction_id', 'contact_id', name=op.f('pk_links')),
    sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_links_contact_id_occurred_at'), 'links', ['contact_id', 'occurred_at'], unique=False)
    op.create_table('locations',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('mailbox_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('folder_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('validity', sa.String(), nullable=False),
    sa.Column('uid', sa.String(), nullable=False),
    sa.Column('message_key', agent.store.columns.Hash(), nullable=True),
    sa.Column('outcome', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('interaction_id', sa.String(), nullable=True),
    sa.Column('size', sa.BigInteger(), nullable=True),
    sa.Column('server_time', agent.store.columns.Instant(), nullable=True),
    sa.Column('text_digest', agent.store.columns.Hash(), nullable=True),
    sa.Column('flagged', sa.Boolean(), nullable=False),
    sa.Column('flag_due', sa.Date(), nullable=True),
    sa.Column('decided_at', agent.store.columns.Instant(), nullable=False),
    sa.Column('gone_at', agent.store.columns.Instant(), nullable=True),
    sa.ForeignKeyConstraint(['folder_id'], ['folders.id'], name=op.f('fk_locations_folder_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['interaction_id'], ['interactions.id'], name=op.f('fk_locations_interaction_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['mailbox_id'], ['mailboxes.id'], name=op.f('fk_locations_mailbox_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_locations')),
    sa.UniqueConstraint('folder_id', 'validity', 'uid', name=op.f('uq_locations_folder_id_validity_uid'))
    )
    op.create_index('ix_locations_flagged', 'locations', ['mailbox_id', 'gone_at', 'interaction_id', 'flag_due'], unique=False, sqlite_where=sa.text('flagged = 1'), postgresql_where=sa.text('flagged'))
    op.create_index('ix_locations_interaction_id', 'locations', ['interaction_id'], unique=False, sqlite_where=sa.text('interaction_id IS NOT NULL'), postgresql_where=sa.text('interaction_id IS NOT NULL'))
    op.create_index(op.f('ix_locations_message_key'), 'locations', ['message_key'], unique=False)

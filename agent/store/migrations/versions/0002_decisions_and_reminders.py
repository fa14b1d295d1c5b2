"""What people decide, reminders, meetings and sales."""

import sqlalchemy as sa
from alembic import op

import agent.store.columns
revision = "0002"
down_revision = "0001"
def upgrade() -> None:
    op.create_table('merges',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('kept_id', sa.String(), nullable=False),
    sa.Column('gone_id', sa.String(), nullable=False),
    sa.Column('gone', sa.JSON(), nullable=False),
    sa.Column('kept', sa.JSON(), nullable=False),
    sa.Column('moved', sa.JSON(), nullable=False),
    sa.Column('made_at', agent.store.columns.Instant(), nullable=False),
    sa.ForeignKeyConstraint(['kept_id'], ['contacts.id'], name=op.f('fk_merges_kept_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_merges'))
    )
    op.create_index(op.f('ix_merges_kept_id'), 'merges', ['kept_id'], unique=False)
    op.create_table('merged_links',
    sa.Column('merge_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('interaction_id', sa.String(), nullable=False),
    sa.Column('of_kept', sa.Boolean(), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('email', sa.String(), nullable=False),
    sa.Column('rule', sa.String(), nullable=False),
    sa.Column('confidence', sa.Float(), nullable=False),
    sa.Column('evidence', sa.JSON(), nullable=False),
    sa.Column('origin', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['interaction_id'], ['interactions.id'], name=op.f('fk_merged_links_interaction_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['merge_id'], ['merges.id'], name=op.f('fk_merged_links_merge_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('merge_id', 'interaction_id', 'of_kept', name=op.f('pk_merged_links'))
    )
    op.create_index(op.f('ix_merged_links_interaction_id'), 'merged_links', ['interaction_id'], unique=False)
    op.create_table('reminders',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('rule', sa.String(), nullable=False),
    sa.Column('mailbox_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('contact_id', sa.String(), nullable=True),
    sa.Column('thread_id', sa.String(), nullable=True),
    sa.Column('interaction_id', sa.String(), nullable=True),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('title', sa.String(), nullable=False),
    sa.Column('why', sa.String(), nullable=False),
    sa.Column('about', sa.String(), nullable=True),
    sa.Column('planned', sa.String(), nullable=False),
    sa.Column('due', sa.String(), nullable=False),
    sa.Column('timezone', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('bundle_id', sa.String(), nullable=True),
    sa.Column('set_aside', sa.String(), nullable=True),
    sa.Column('created_at', agent.store.columns.Instant(), nullable=False),
    sa.Column('changed_at', agent.store.columns.Instant(), nullable=False),
    sa.ForeignKeyConstraint(['contact_id'], ['contacts.id'], name=op.f('fk_reminders_contact_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['interaction_id'], ['interactions.id'], name=op.f('fk_reminders_interaction_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['mailbox_id'], ['mailboxes.id'], name=op.f('fk_reminders_mailbox_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reminders'))
    )
    op.create_index(op.f('ix_reminders_bundle_id'), 'reminders', ['bundle_id'], unique=False)
    op.create_index(op.f('ix_reminders_contact_id'), 'reminders', ['contact_id'], unique=False)
    op.create_index('ix_reminders_interaction_id', 'reminders', ['interaction_id'], unique=False, sqlite_where=sa.text('interaction_id IS NOT NULL'), postgresql_where=sa.text('interaction_id IS NOT NULL'))
    op.create_index(op.f('ix_reminders_mailbox_id_state'), 'reminders', ['mailbox_id', 'state'], unique=False)
    op.create_index(op.f('ix_reminders_thread_id'), 'reminders', ['thread_id'], unique=False)
    op.create_table('rulings',
    sa.Column('message_key', agent.store.columns.Hash(), nullable=False),
    sa.Column('address', sa.String(), nullable=False),
    sa.Column('instead_of', sa.String(), nullable=False),
    sa.Column('contact_id', sa.String(), nullable=True),
    sa.Column('made_at', agent.store.columns.Instant(), nullable=False),
    sa.ForeignKeyConstraint(['contact_id'], ['contacts.id'], name=op.f('fk_rulings_contact_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('message_key', 'address', 'instead_of', name=op.f('pk_rulings'))
    )
    op.create_table('signals',
    sa.Column('message_key', agent.store.columns.Hash(), nullable=False),
    sa.Column('contact_id', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('thread_id', sa.String(), nullable=True),
    sa.Column('occurred_at', agent.store.columns.Instant(), nullable=False),
    sa.Column('back_on', sa.Date(), nullable=True),
    sa.ForeignKeyConstraint(['contact_id'], ['contacts.id'], name=op.f('fk_signals_contact_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('message_key', 'contact_id', 'kind', name=op.f('pk_signals')),
    sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_signals_contact_id_occurred_at'), 'signals', ['contact_id', 'occurred_at'], unique=False)
    op.create_index(op.f('ix_signals_occurred_at'), 'signals', ['occurred_at'], unique=False)
    op.create_index(op.f('ix_signals_thread_id'), 'signals', ['thread_id'], unique=False)
    op.create_table('rereads',
    sa.Column('location_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('mailbox_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('why', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['location_id'], ['locations.id'], name=op.f('fk_rereads_location_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['mailbox_id'], ['mailboxes.id'], name=op.f('fk_rereads_mailbox_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('location_id', name=op.f('pk_rereads'))
    )
    op.create_index(op.f('ix_rereads_mailbox_id'), 'rereads', ['mailbox_id'], unique=False)
    op.create_table('absences',
    sa.Column('mailbox_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('first_day', sa.Date(), nullable=False),
    sa.Column('last_day', sa.Date(), nullable=True),
    sa.ForeignKeyConstraint(['mailbox_id'], ['mailboxes.id'], name=op.f('fk_absences_mailbox_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('mailbox_id', 'source', 'name', name=op.f('pk_absences'))
    )
    op.create_table('feed_links',
    sa.Column('mailbox_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('token', agent.store.columns.Hash(), nullable=False),
    sa.Column('made_at', agent.store.columns.Instant(), nullable=False),
    sa.ForeignKeyConstraint(['mailbox_id'], ['mailboxes.id'], name=op.f('fk_feed_links_mailbox_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('mailbox_id', name=op.f('pk_feed_links')),
    sa.UniqueConstraint('token', name=op.f('uq_feed_links_token'))
    )
    op.create_table('meeting_cursors',
    sa.Column('mailbox_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('place', sa.String(), nullable=False),
    sa.Column('cursor', sa.Text(), nullable=True),
    sa.Column('stamp', sa.BigInteger(), nullable=False),
    sa.Column('fault', sa.String(), nullable=True),
    sa.Column('next_try', agent.store.columns.Instant(), nullable=True),
    sa.ForeignKeyConstraint(['mailbox_id'], ['mailboxes.id'], name=op.f('fk_meeting_cursors_mailbox_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('mailbox_id', 'place', name=op.f('pk_meeting_cursors'))
    )
    op.create_table('meeting_places',
    sa.Column('mailbox_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('place', sa.String(), nullable=False),
    sa.Column('href', sa.String(), nullable=False),
    sa.Column('interaction_id', sa.String(), nullable=False),
    sa.Column('rank', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['interaction_id'], ['interactions.id'], name=op.f('fk_meeting_places_interaction_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['mailbox_id'], ['mailboxes.id'], name=op.f('fk_meeting_places_mailbox_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('mailbox_id', 'place', 'href', 'interaction_id', name=op.f('pk_meeting_places'))
    )
    op.create_index(op.f('ix_meeting_places_interaction_id'), 'meeting_places', ['interaction_id'], unique=False)
    op.create_table('purchases',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('contact_id', sa.String(), nullable=False),
    sa.Column('bought_on', sa.Date(), nullable=False),
    sa.Column('amount', sa.String(), nullable=False),
    sa.Column('currency', sa.String(), nullable=False),
    sa.Column('product', sa.String(), nullable=False),
    sa.Column('order_id', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['contact_id'], ['contacts.id'], name=op.f('fk_purchases_contact_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_purchases'))
    )
    op.create_index(op.f('ix_purchases_contact_id_bought_on'), 'purchases', ['contact_id', 'bought_on'], unique=False)
    op.create_table('rhythms',
    sa.Column('contact_id', sa.String(), nullable=False),
    sa.Column('gaps', sa.Integer(), nullable=False),
    sa.Column('log_sum', sa.Float(), nullable=False),
    sa.Column('log_squares', sa.Float(), nullable=False),
    sa.Column('last_on', sa.Date(), nullable=False),
    sa.ForeignKeyConstraint(['contact_id'], ['contacts.id'], name=op.f('fk_rhythms_contact_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('contact_id', name=op.f('pk_rhythms'))
    )

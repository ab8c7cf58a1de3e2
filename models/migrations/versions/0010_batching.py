"""messages that go together"""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What waits already has no scope, so each goes by itself.
    op.add_column('notifications', sa.Column('scope', sa.String(length=320), nullable=True))
    op.add_column('notifications', sa.Column('batch', sa.String(length=32), nullable=True))
    op.add_column('notifications', sa.Column('message_at', sa.Double(), nullable=True))
    op.create_index('ix_notifications_channel_recipient_message_at', 'notifications',
        ['channel', 'recipient', 'message_at'], unique=False)
    op.create_index('ix_notifications_batch', 'notifications', ['batch'], unique=False)


def downgrade() -> None:
    op.drop_index('ix_notifications_batch', table_name='notifications')
    op.drop_index('ix_notifications_channel_recipient_message_at', table_name='notifications')
    for column in ('message_at', 'batch', 'scope'):
        op.drop_column('notifications', column)

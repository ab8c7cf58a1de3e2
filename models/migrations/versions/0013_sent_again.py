"""messages that were sent again, and those in the place of others"""

import sqlalchemy as sa
from alembic import op

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('notifications', sa.Column('resent_from', sa.String(length=32), nullable=True))
    op.add_column('notifications', sa.Column('resent_by', sa.String(length=100), nullable=True))
    op.create_index('ix_notifications_resent_from', 'notifications', ['resent_from'], unique=False,
        sqlite_where=sa.text('resent_from IS NOT NULL'),
        postgresql_where=sa.text('resent_from IS NOT NULL'))
    op.create_index('ix_notifications_list', 'notifications',
        ['created_at', 'id', 'status', 'channel', 'recipient', 'event', 'alert_id'], unique=False)


def downgrade() -> None:
    op.drop_index('ix_notifications_list', table_name='notifications')
    op.drop_index('ix_notifications_resent_from', table_name='notifications')
    for column in ('resent_by', 'resent_from'):
        op.drop_column('notifications', column)

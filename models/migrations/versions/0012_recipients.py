"""contacts, groups and rotations that were written in the UI"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')


def upgrade() -> None:
    op.create_table('alert_configs',
    sa.Column('version', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('spec', JSON, nullable=False),
    sa.Column('sealed', JSON, nullable=False),
    sa.Column('at', sa.Double(), nullable=False),
    sa.Column('by', sa.String(length=100), nullable=False),
    sa.PrimaryKeyConstraint('version', name=op.f('pk_alert_configs'))
    )
    op.add_column('notifications', sa.Column('via', sa.Text(), server_default='', nullable=False))
    op.add_column('notifications', sa.Column('instead_of', sa.String(length=32), nullable=True))
    op.create_index('ix_notifications_instead_of', 'notifications', ['instead_of'], unique=False,
        sqlite_where=sa.text('instead_of IS NOT NULL'),
        postgresql_where=sa.text('instead_of IS NOT NULL'))


def downgrade() -> None:
    op.drop_index('ix_notifications_instead_of', table_name='notifications')
    for column in ('instead_of', 'via'):
        op.drop_column('notifications', column)
    op.drop_table('alert_configs')

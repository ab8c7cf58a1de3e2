"""signs of life, and an index of changes of status alone"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

CHANGES = sa.text('previous IS NOT NULL')


def upgrade() -> None:
    op.create_table('alive',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('at', sa.Double(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_alive'))
    )
    op.drop_index('ix_status_intervals_started_at', table_name='status_intervals')
    op.create_index('ix_status_intervals_changes', 'status_intervals', ['started_at', 'id'], unique=False, sqlite_where=CHANGES, postgresql_where=CHANGES)


def downgrade() -> None:
    op.drop_index('ix_status_intervals_changes', table_name='status_intervals')
    op.create_index('ix_status_intervals_started_at', 'status_intervals', ['started_at'], unique=False)
    op.drop_table('alive')

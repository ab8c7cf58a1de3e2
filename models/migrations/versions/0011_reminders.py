"""when somebody was reminded of an alert"""

import sqlalchemy as sa
from alembic import op

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('alerts', sa.Column('retold_at', sa.Double(), nullable=True))


def downgrade() -> None:
    op.drop_column('alerts', 'retold_at')

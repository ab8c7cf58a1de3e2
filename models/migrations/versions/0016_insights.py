"""what alerts add up to"""

import sqlalchemy as sa
from alembic import op

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None

REOPENED = sa.text('occurrences > 1')


def upgrade() -> None:
    op.create_index('ix_alerts_triggered_at', 'alerts', ['triggered_at'], unique=False)
    op.create_index('ix_alerts_reopened', 'alerts', ['fired_at'], unique=False,
        sqlite_where=REOPENED, postgresql_where=REOPENED)


def downgrade() -> None:
    op.drop_index('ix_alerts_reopened', table_name='alerts')
    op.drop_index('ix_alerts_triggered_at', table_name='alerts')

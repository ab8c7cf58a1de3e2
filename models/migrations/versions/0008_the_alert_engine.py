"""rules and their versions, reopening, withheld messages, detectors, maintenance and silences"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')


def upgrade() -> None:
    op.create_table('rules',
    sa.Column('id', sa.String(length=100), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('spec', JSON, nullable=False),
    sa.Column('updated_at', sa.Double(), nullable=False),
    sa.Column('updated_by', sa.String(length=100), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rules'))
    )
    op.create_table('rule_versions',
    sa.Column('rule_id', sa.String(length=100), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('spec', JSON, nullable=True),
    sa.Column('at', sa.Double(), nullable=False),
    sa.Column('by', sa.String(length=100), nullable=False),
    sa.PrimaryKeyConstraint('rule_id', 'version', name=op.f('pk_rule_versions'))
    )
    op.create_table('detectors',
    sa.Column('rule_id', sa.String(length=100), nullable=False),
    sa.Column('target', sa.String(length=320), nullable=False),
    sa.Column('at', sa.Double(), nullable=False),
    sa.Column('state', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('rule_id', 'target', name=op.f('pk_detectors'))
    )
    op.create_table('maintenance',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('spec', JSON, nullable=False),
    sa.Column('created_at', sa.Double(), nullable=False),
    sa.Column('created_by', sa.String(length=100), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_maintenance'))
    )
    op.create_table('silences',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('comment', sa.String(length=500), nullable=False),
    sa.Column('matchers', JSON, nullable=False),
    sa.Column('starts_at', sa.Double(), nullable=False),
    sa.Column('ends_at', sa.Double(), nullable=False),
    sa.Column('created_at', sa.Double(), nullable=False),
    sa.Column('created_by', sa.String(length=100), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_silences'))
    )
    op.create_index('ix_silences_ends_at', 'silences', ['ends_at'], unique=False)
    # Columns are added in place, which leaves a large table alone.
    op.add_column('rule_states', sa.Column('clear', sa.Double(), nullable=True))
    op.add_column('rule_states', sa.Column('ended_at', sa.Double(), nullable=True))
    op.add_column('rule_states',
        sa.Column('firings', JSON, nullable=False, server_default='[]'))
    for column in (
        sa.Column('rule_version', sa.Integer(), nullable=False, server_default='1'),
        sa.Column('expected', JSON, nullable=True),
        sa.Column('fired_at', sa.Double(), nullable=False, server_default='0'),
        sa.Column('told_at', sa.Double(), nullable=True),
        sa.Column('withheld', sa.String(length=500), nullable=True),
        sa.Column('snoozed_from', sa.String(length=16), nullable=True),
        sa.Column('flapping', sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column('false_positive', sa.Boolean(), nullable=True),
    ):
        op.add_column('alerts', column)
    op.execute('UPDATE alerts SET fired_at = triggered_at, told_at = triggered_at')


def downgrade() -> None:
    for column in ('false_positive', 'flapping', 'snoozed_from', 'withheld', 'told_at',
                   'fired_at', 'expected', 'rule_version'):
        op.drop_column('alerts', column)
    for column in ('firings', 'ended_at', 'clear'):
        op.drop_column('rule_states', column)
    op.drop_index('ix_silences_ends_at', table_name='silences')
    op.drop_table('silences')
    op.drop_table('maintenance')
    op.drop_table('detectors')
    op.drop_table('rule_versions')
    op.drop_table('rules')

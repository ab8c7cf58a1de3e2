"""rollups, packed days, and what waits to be rolled up or packed"""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('rollups',
    sa.Column('level', sa.SmallInteger(), nullable=False),
    sa.Column('start', sa.Integer(), nullable=False),
    sa.Column('metric', sa.SmallInteger(), nullable=False),
    sa.Column('target_id', sa.Integer(), nullable=False),
    sa.Column('cells', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('level', 'start', 'metric', 'target_id', name=op.f('pk_rollups')),
    sqlite_with_rowid=False
    )
    op.create_table('blocks',
    sa.Column('day', sa.Integer(), nullable=False),
    sa.Column('target_id', sa.Integer(), nullable=False),
    sa.Column('data', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('day', 'target_id', name=op.f('pk_blocks'))
    )
    op.create_table('pending_spans',
    sa.Column('target_id', sa.Integer(), nullable=False),
    sa.Column('span', sa.Integer(), nullable=False),
    sa.Column('start', sa.Integer(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('target_id', 'span', 'start', name=op.f('pk_pending_spans')),
    sqlite_with_rowid=False
    )
    with op.batch_alter_table('pending_spans', schema=None) as batch_op:
        batch_op.create_index('ix_pending_spans_span_start', ['span', 'start'], unique=False)

    settled = op.create_table('settled',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('until', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_settled'))
    )
    op.bulk_insert(settled, [{'id': 1, 'until': 0}])
    op.create_index('ix_status_intervals_open', 'status_intervals', ['target_id'], unique=False, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    # Compressed already: do not try again, and read a part without the whole.
    if op.get_bind().dialect.name == 'postgresql':
        for table, column in (('rollups', 'cells'), ('blocks', 'data')):
            op.execute(f'ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE EXTERNAL')
        # Strips are written to again and again; the default waits until a fifth of them is dead.
        op.execute('ALTER TABLE rollups SET (autovacuum_vacuum_scale_factor = 0.05)')

    # What was observed before there was a history waits like anything else.
    for span in (3600, 86400):
        op.execute(
            'INSERT INTO pending_spans (target_id, span, start, version) '
            f'SELECT DISTINCT target_id, {span}, at / {span} * {span}, 0 FROM '
            '(SELECT target_id, at FROM host_samples UNION ALL SELECT target_id, at FROM samples) AS found'
        )


def downgrade() -> None:
    op.drop_index('ix_status_intervals_open', table_name='status_intervals')
    op.drop_table('settled')
    op.drop_table('pending_spans')
    op.drop_table('blocks')
    op.drop_table('rollups')

"""entries added in the UI"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('inventory_entries',
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('id', sa.String(length=100), nullable=False),
    sa.Column('spec', sa.JSON().with_variant(postgresql.JSONB(), 'postgresql'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.Double(), nullable=False),
    sa.Column('created_by', sa.String(length=100), nullable=False),
    sa.Column('changed_at', sa.Double(), nullable=False),
    sa.Column('changed_by', sa.String(length=100), nullable=False),
    sa.Column('removed_at', sa.Double(), nullable=True),
    sa.PrimaryKeyConstraint('kind', 'id', name=op.f('pk_inventory_entries'))
    )
    with op.batch_alter_table('inventory_entries', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_inventory_entries_version'), ['version'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('inventory_entries', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_inventory_entries_version'))

    op.drop_table('inventory_entries')

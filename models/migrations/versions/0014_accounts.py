"""what tenants were promised, where they ran, and their reports"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')


def upgrade() -> None:
    # Both tables are filled by the first look at the inventory.
    op.create_table('tenant_terms',
    sa.Column('tenant_id', sa.String(length=100), nullable=False),
    sa.Column('since', sa.Double(), nullable=False),
    sa.Column('until', sa.Double(), nullable=True),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('target', sa.Double(), nullable=False),
    sa.Column('policy', JSON, nullable=False),
    sa.PrimaryKeyConstraint('tenant_id', 'since', name=op.f('pk_tenant_terms'))
    )
    op.create_table('tenant_members',
    sa.Column('tenant_id', sa.String(length=100), nullable=False),
    sa.Column('target', sa.String(length=320), nullable=False),
    sa.Column('since', sa.Double(), nullable=False),
    sa.Column('until', sa.Double(), nullable=True),
    sa.PrimaryKeyConstraint('tenant_id', 'target', 'since', name=op.f('pk_tenant_members'))
    )
    for name, columns in (('tenant_terms', ['tenant_id']), ('tenant_members', ['tenant_id', 'target'])):
        op.create_index(f'uq_{name}_open', name, columns, unique=True,
            sqlite_where=sa.text('until IS NULL'), postgresql_where=sa.text('until IS NULL'))
    op.create_table('sla_reports',
    sa.Column('month', sa.String(length=7), nullable=False),
    sa.Column('tenant_id', sa.String(length=100), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('made_at', sa.Double(), nullable=False),
    sa.Column('made_by', sa.String(length=100), nullable=False),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('body', JSON, nullable=False),
    sa.Column('downtimes', JSON, nullable=False),
    sa.PrimaryKeyConstraint('month', 'tenant_id', 'version', name=op.f('pk_sla_reports'))
    )


def downgrade() -> None:
    for table in ('sla_reports', 'tenant_members', 'tenant_terms'):
        op.drop_table(table)

"""alerts with one root cause; lists of alerts with any filter"""

import logging

import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None

log = logging.getLogger(__name__)

BATCH = 5000
#: Bytes of a searched text.
MOST = 2000


def upgrade() -> None:
    op.add_column('alerts', sa.Column('caused_by', sa.String(length=320), nullable=True))
    op.add_column('alerts', sa.Column('search', sa.Text(), nullable=False, server_default=''))
    op.add_column('alerts', sa.Column('lasted', sa.Double(), nullable=True))
    op.execute('UPDATE alerts SET caused_by = suppressed_by WHERE suppressed_by IS NOT NULL')
    op.execute('UPDATE alerts SET lasted = resolved_at - triggered_at '
        'WHERE resolved_at IS NOT NULL')
    op.create_index('ix_alerts_lasted', 'alerts', ['lasted'], unique=False)
    _fill_search()
    for column in ('rule_id', 'vps_id', 'service_name', 'tenant_id', 'severity'):
        op.create_index(f'ix_alerts_{column}_triggered_at', 'alerts', [column, 'triggered_at'],
            unique=False)
    op.create_index('ix_alerts_false_positive', 'alerts', ['triggered_at'], unique=False,
        sqlite_where=sa.text('false_positive IS NOT NULL'),
        postgresql_where=sa.text('false_positive IS NOT NULL'))
    _index_lists()
    op.create_table('incidents',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('root', sa.String(length=320), nullable=False),
    sa.Column('title', sa.String(length=300), nullable=False),
    sa.Column('severity', sa.String(length=16), nullable=False),
    sa.Column('status', sa.String(length=16), nullable=False),
    sa.Column('started_at', sa.Double(), nullable=False),
    sa.Column('resolved_at', sa.Double(), nullable=True),
    sa.Column('merged_into', sa.String(length=32), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_incidents'))
    )
    op.create_index('ix_incidents_started_at_id', 'incidents', ['started_at', 'id'], unique=False)
    op.create_index('ix_incidents_resolved_at', 'incidents', ['resolved_at'], unique=False)
    op.create_table('incident_alerts',
    sa.Column('alert_id', sa.String(length=32), nullable=False),
    sa.Column('incident_id', sa.String(length=32), nullable=False),
    sa.ForeignKeyConstraint(['alert_id'], ['alerts.id'],
        name=op.f('fk_incident_alerts_alert_id_alerts'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['incident_id'], ['incidents.id'],
        name=op.f('fk_incident_alerts_incident_id_incidents')),
    sa.PrimaryKeyConstraint('alert_id', name=op.f('pk_incident_alerts'))
    )
    op.create_index('ix_incident_alerts_incident_id', 'incident_alerts', ['incident_id'],
        unique=False)
    op.create_table('incident_notes',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('incident_id', sa.String(length=32), nullable=False),
    sa.Column('at', sa.Double(), nullable=False),
    sa.Column('who', sa.String(length=100), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['incident_id'], ['incidents.id'],
        name=op.f('fk_incident_notes_incident_id_incidents')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_incident_notes'))
    )
    op.create_index('ix_incident_notes_incident_id', 'incident_notes', ['incident_id'],
        unique=False)
    op.create_table('incident_progress',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('at', sa.Double(), nullable=False),
    sa.Column('alert_id', sa.String(length=32), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_incident_progress'))
    )


def _fill_search() -> None:
    connection = op.get_bind()
    read = sa.text('SELECT id, target, title, rule_name, message FROM alerts WHERE id > :after '
        'ORDER BY id LIMIT :batch')
    write = sa.text('UPDATE alerts SET search = :search WHERE id = :id')
    after = ''
    while rows := connection.execute(read, {'after': after, 'batch': BATCH}).all():
        connection.execute(write, [
            {'id': row[0], 'search': '\n'.join(row[1:]).casefold().encode()[:MOST].decode(
                errors='ignore')}
            for row in rows
        ])
        after = rows[-1][0]


def _index_lists() -> None:
    """SQLite reads an index of the texts through, PostgreSQL looks three letters up; where its
    extension for that is not installed, it reads the table."""
    connection = op.get_bind()
    if connection.dialect.name == 'sqlite':
        for column in ('search', 'impact'):
            op.create_index(f'ix_alerts_{column}', 'alerts', ['triggered_at', 'id', column],
                unique=False)
        return
    op.create_index('ix_alerts_impact_gin', 'alerts', ['impact'], unique=False,
        postgresql_using='gin', postgresql_ops={'impact': 'jsonb_path_ops'})
    try:
        with connection.begin_nested():
            connection.execute(sa.text('CREATE EXTENSION IF NOT EXISTS pg_trgm'))
            op.create_index('ix_alerts_search_gin', 'alerts', ['search'], unique=False,
                postgresql_using='gin', postgresql_ops={'search': 'gin_trgm_ops'})
    except sa.exc.DBAPIError:
        log.warning('Text in alerts is searched without an index: PostgreSQL has no pg_trgm here.')


def downgrade() -> None:
    for index in ('search', 'impact', 'search_gin', 'impact_gin'):
        op.drop_index(f'ix_alerts_{index}', table_name='alerts', if_exists=True)
    for table in ('incident_progress', 'incident_notes', 'incident_alerts', 'incidents'):
        op.drop_table(table)
    op.drop_index('ix_alerts_false_positive', table_name='alerts')
    for column in ('severity', 'tenant_id', 'service_name', 'vps_id', 'rule_id'):
        op.drop_index(f'ix_alerts_{column}_triggered_at', table_name='alerts')
    op.drop_index('ix_alerts_lasted', table_name='alerts')
    op.drop_column('alerts', 'lasted')
    op.drop_column('alerts', 'search')
    op.drop_column('alerts', 'caused_by')

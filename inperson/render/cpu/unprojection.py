"""From the rows of `gradients` back to the Gaussians: the transpose of `projection`, 16 at a time.

`v_a` is the loss's derivative by a.
"""

import numpy as np

from inperson.render.cpu.kernels import helper, kernel
from inperson.render.cpu.layout import GRADIENT
from inperson.render.cpu.projection import (
    camera_of,
    combine,
    dot,
    project_sixteen,
    row_times_matrix,
    tangent_limits,
    times,
)
from inperson.render.cpu.simd import (
    LANES,
    fma,
    item,
    load,
    select,
    splat,
    store,
    store_interleaved,
    take_next,
)


@helper
def sum_rows(first, row_starts, rows, stride, hits, fields, color_sums, colors):
    """Sum the rows of Gaussians `first` to `first + 15` of one view.

    Sets `fields` (GRADIENT x 16), adds to `color_sums` (16 x C); returns whether there were any.
    """
    fields[:] = np.float32(0)
    found = False
    for lane in range(LANES):
        for row in range(row_starts[first + lane], row_starts[first + lane + 1]):
            if item(hits, row) == 0:
                continue
            found = True
            at = row * stride
            for field in range(GRADIENT):
                fields[field * LANES + lane] += item(rows, at + field)
            for c in range(colors):
                color_sums[lane * colors + c] += item(rows, at + GRADIENT + c)
    return found


@helper
def covariance_gradient(conic, v_xx, v_xy, v_yy):
    """`v_covariance` = -conic v_conic conic, as (xx, xy, yy); v_xy is half the derivative by the off-diagonal."""
    a, b, c = conic
    left_xx, left_xy = fma(a, v_xx, b * v_xy), fma(a, v_xy, b * v_yy)
    left_yx, left_yy = fma(b, v_xx, c * v_xy), fma(b, v_xy, c * v_yy)
    return -fma(left_xx, a, left_xy * b), -fma(left_xx, b, left_xy * c), -fma(left_yx, b, left_yy * c)


@helper
def quat_gradient(q, inverse_norm, m):
    """From the derivative `m` by the rotation matrix (rows) to that by the quaternion as it was given."""
    w, x, y, z = q
    v_w = 2.0 * (x * (m[2][1] - m[1][2]) + y * (m[0][2] - m[2][0]) + z * (m[1][0] - m[0][1]))
    v_x = 2.0 * (
        w * (m[2][1] - m[1][2]) + y * (m[1][0] + m[0][1]) + z * (m[2][0] + m[0][2]) - 2.0 * x * (m[1][1] + m[2][2])
    )
    v_y = 2.0 * (
        w * (m[0][2] - m[2][0]) + x * (m[1][0] + m[0][1]) + z * (m[2][1] + m[1][2]) - 2.0 * y * (m[0][0] + m[2][2])
    )
    v_z = 2.0 * (
        w * (m[1][0] - m[0][1]) + x * (m[2][0] + m[0][2]) + y * (m[2][1] + m[1][2]) - 2.0 * z * (m[0][0] + m[1][1])
    )
    radial = v_w * w + v_x * x + v_y * y + v_z * z  # length does not matter: only what turns counts
    return (
        (v_w - radial * w) * inverse_norm,
        (v_x - radial * x) * inverse_norm,
        (v_y - radial * y) * inverse_norm,
        (v_z - radial * z) * inverse_norm,
    )


@helper
def unproject_sixteen(camera, footprint, fields):
    """(v_mean, v_quat, v_scale) of 16 Gaussians in one view from their summed `fields`."""
    f = footprint
    sum_x, sum_y = load(fields, LANES), load(fields, 2 * LANES)
    a, b, c = f.conic
    v_center_x, v_center_y = fma(a, sum_x, b * sum_y), fma(b, sum_x, c * sum_y)
    v_xx, v_xy, v_yy = covariance_gradient(
        f.conic, -0.5 * load(fields, 3 * LANES), -0.5 * load(fields, 4 * LANES), -0.5 * load(fields, 5 * LANES)
    )

    # covariance = h h^T with rows h_x, h_y = along * scales
    half_x, half_y = times(f.along_x, f.scales), times(f.along_y, f.scales)
    v_half_x = combine(2.0 * v_xx, half_x, 2.0 * v_xy, half_y)
    v_half_y = combine(2.0 * v_xy, half_x, 2.0 * v_yy, half_y)
    v_scale = (
        fma(v_half_x[0], f.along_x[0], v_half_y[0] * f.along_y[0]),
        fma(v_half_x[1], f.along_x[1], v_half_y[1] * f.along_y[1]),
        fma(v_half_x[2], f.along_x[2], v_half_y[2] * f.along_y[2]),
    )

    # along = jacobian axes
    v_along_x, v_along_y = times(v_half_x, f.scales), times(v_half_y, f.scales)
    v_axes = (
        combine(f.jacobian_x[0], v_along_x, f.jacobian_y[0], v_along_y),
        combine(f.jacobian_x[1], v_along_x, f.jacobian_y[1], v_along_y),
        combine(f.jacobian_x[2], v_along_x, f.jacobian_y[2], v_along_y),
    )
    v_quat = quat_gradient(f.quat, f.inverse_norm, v_axes)
    v_jacobian_x = (dot(f.axes[0], v_along_x), dot(f.axes[1], v_along_x), dot(f.axes[2], v_along_x))
    v_jacobian_y = (dot(f.axes[0], v_along_y), dot(f.axes[1], v_along_y), dot(f.axes[2], v_along_y))

    # jacobian_x = fx / z (right - u forward), jacobian_y = fy / z (down - v forward), u and v clamped
    right, down, forward = camera.rotation
    v_x_forward, v_y_forward = dot(forward, v_jacobian_x), dot(forward, v_jacobian_y)
    v_inverse_depth = camera.fx * (dot(right, v_jacobian_x) - f.u_clamped * v_x_forward) + camera.fy * (
        dot(down, v_jacobian_y) - f.v_clamped * v_y_forward
    )
    u_low, u_high, v_low, v_high = tangent_limits(camera)
    u_free, v_free = (f.u >= u_low) & (f.u <= u_high), (f.v >= v_low) & (f.v <= v_high)
    v_u = camera.fx * (v_center_x - select(u_free, f.inverse_depth * v_x_forward, 0.0))
    v_v = camera.fy * (v_center_y - select(v_free, f.inverse_depth * v_y_forward, 0.0))
    v_camera = (
        f.inverse_depth * v_u,
        f.inverse_depth * v_v,
        load(fields, 6 * LANES) - f.inverse_depth * (f.u * v_u + f.v * v_v + f.inverse_depth * v_inverse_depth),
    )
    return row_times_matrix(v_camera, camera.rotation), v_quat, v_scale


@helper
def add3(a, b):
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2])


@helper
def add4(a, b):
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3])


@kernel
def gather_and_unproject(
    counter,
    thread,
    cameras,
    means,
    quats,
    scales,
    opacities,
    chunk,
    row_starts,
    rows,
    hits,
    colors,
    v_means,
    v_quats,
    v_scales,
    v_opacities,
    v_colors,
):
    """Sum the rows of all views into the five gradients (flat, written whole); one job is `chunk` Gaussians."""
    num, num_views, stride = opacities.size, rows.shape[0], rows.shape[2]
    fields, color_sums = np.empty(GRADIENT * LANES, np.float32), np.empty(LANES * colors, np.float32)
    first = take_next(counter) * chunk
    while first < num:
        for i in range(first, min(num, first + chunk), LANES):
            start = min(i, num - LANES)  # the last sixteen overlap those before, with the same results
            zero = splat(0.0)
            v_mean, v_quat, v_scale, v_log_opacity = (
                (zero, zero, zero),
                (zero, zero, zero, zero),
                (zero, zero, zero),
                zero,
            )
            color_sums[:] = np.float32(0)
            for view in range(num_views):
                own_rows = rows[view].reshape(-1)
                if not sum_rows(start, row_starts[view], own_rows, stride, hits[view], fields, color_sums, colors):
                    continue
                camera = camera_of(cameras, view)
                footprint = project_sixteen(camera, means, quats, scales, start)
                mean, quat, scale = unproject_sixteen(camera, footprint, fields)
                v_mean, v_quat, v_scale = add3(v_mean, mean), add4(v_quat, quat), add3(v_scale, scale)
                v_log_opacity = v_log_opacity + load(fields, 0)
            opacity = load(opacities, start)
            store_interleaved(v_means, 3 * start, v_mean)
            store_interleaved(v_quats, 4 * start, v_quat)
            store_interleaved(v_scales, 3 * start, v_scale)
            store(v_opacities, start, select(opacity > 0.0, v_log_opacity / opacity, 0.0))
            v_colors[start * colors : (start + LANES) * colors] = color_sums
        first = take_next(counter) * chunk

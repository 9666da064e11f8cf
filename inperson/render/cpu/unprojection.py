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
    absolute,
    bits,
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
def read_fields(totals, first, stride, fields):
    """The first fields of 16 rows from row `first` on, as columns (GRADIENT x 16).

    Returns a mask of the rows that are not all zero: the others' Gaussians were not seen, and may lie where
    their projection is not finite.
    """
    for lane in range(LANES):
        for field in range(GRADIENT):
            fields[field * LANES + lane] = item(totals, (first + lane) * stride + field)
    size = splat(0.0)
    for field in range(GRADIENT):
        size = size + absolute(load(fields, field * LANES))
    return size > 0.0


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
def add_where(mask, totals, more):
    """totals + more where the mask is set, for three vectors."""
    return (
        totals[0] + select(mask, more[0], 0.0),
        totals[1] + select(mask, more[1], 0.0),
        totals[2] + select(mask, more[2], 0.0),
    )


@helper
def add_colors(totals, first, stride, colors, v_colors):
    """Add the colours of 16 rows of `totals` to `v_colors` (16 x C)."""
    for lane in range(LANES):
        for c in range(colors):
            v_colors[lane * colors + c] += item(totals, (first + lane) * stride + GRADIENT + c)


@kernel
def unproject(
    counter,
    thread,
    cameras,
    means,
    quats,
    scales,
    opacities,
    chunk,
    totals,
    colors,
    v_means,
    v_quats,
    v_scales,
    v_opacities,
    v_colors,
):
    """From `totals` (V, N, stride) to the five gradients (flat, written whole); one job is `chunk` Gaussians."""
    num, num_views, stride = opacities.size, totals.shape[0], totals.shape[2]
    fields, color_sums = np.empty(GRADIENT * LANES, np.float32), np.empty(LANES * colors, np.float32)
    zero = splat(0.0)
    first = take_next(counter) * chunk
    while first < num:
        for i in range(first, min(num, first + chunk), LANES):
            start = min(i, num - LANES)  # the last sixteen overlap those before, with the same results
            v_mean = v_scale = v_turn = (zero, zero, zero)
            v_real, v_log_opacity = zero, zero
            color_sums[:] = np.float32(0)
            for view in range(num_views):
                own = totals[view].reshape(-1)
                seen = read_fields(own, start, stride, fields)
                if bits(seen) == 0:
                    continue
                camera = camera_of(cameras, view)
                footprint = project_sixteen(camera, means, quats, scales, start)
                mean, quat, scale = unproject_sixteen(camera, footprint, fields)
                v_mean, v_scale = add_where(seen, v_mean, mean), add_where(seen, v_scale, scale)
                v_real = v_real + select(seen, quat[0], 0.0)
                v_turn = add_where(seen, v_turn, quat[1:])
                v_log_opacity = v_log_opacity + load(fields, 0)
                add_colors(own, start, stride, colors, color_sums)
            opacity = load(opacities, start)
            store_interleaved(v_means, 3 * start, v_mean)
            store_interleaved(v_quats, 4 * start, (v_real, v_turn[0], v_turn[1], v_turn[2]))
            store_interleaved(v_scales, 3 * start, v_scale)
            store(v_opacities, start, select(opacity > 0.0, v_log_opacity / opacity, 0.0))
            v_colors[start * colors : (start + LANES) * colors] = color_sums
        first = take_next(counter) * chunk
